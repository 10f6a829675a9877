"""Exports an encoder of every backbone by the program, and lets the packages build and check it (no fixture).

    python tests/reference/export.py target/release/sslrun

Needs torch, torchvision, timm and safetensors. Every `load.py` loads its weights with `strict=True` and compares the features of two
pictures; then the same is done here by the packages' own words, without the script.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import timm
import torch
import torchvision
from safetensors.torch import load_file

ENCODERS = {
    "resnet18": "resnet18()",
    "resnet34": "resnet34()",
    "resnet50": "resnet50()",
    "resnet18_narrow": "resnet18(width: 16)",
    "resnet18_small": "resnet18(stem: small, width: 16)",
    "resnet50_small": "resnet50(stem: small, width: 8, zero_init: true)",
    "convnet": "small_convnet()",
    "vit_tiny": "vit_tiny(patch: 8)",
    "vit_small": "vit_small(patch: 16)",
    "vit_base": "vit_base(patch: 16)",
    "vit_registers": "vit(dim: 32, depth: 2, heads: 2, patch: 8, registers: 4, layer_scale: 0.1)",
    "vit_registers_alone": "vit(dim: 32, depth: 2, heads: 2, patch: 8, registers: 4, cls: false)",
    "vit_mean": "vit(dim: 32, depth: 2, heads: 2, patch: 8, pool: mean, qkv_bias: false, mlp_ratio: 2)",
    "vit_sines": "vit(dim: 32, depth: 2, heads: 2, patch: 8, positions: sincos2d)",
    "vit_sized": "vit(dim: 32, depth: 2, heads: 2, patch: 8, size: 48)",
    "vit_nowhere": "vit(dim: 32, depth: 2, heads: 2, patch: 8, positions: none)",
}

RECIPE = """
views {{ a, b: crop(0.5..1, size: 32) }}
branch f {{ encoder: {}; head: linear(4) }}
branch slow = ema(f, decay: 0.5)
loss {{ l: mse(f(a), slow(b).head) + hinge_variance(f(b)) }}
train {{ epochs: 1; batch: 8; optimizer: sgd(lr: 0.05) }}
evaluate {{ every: 100; probes: [knn()]; train_samples: 8; test_samples: 8 }}
"""

BRANCHES = ["f", "slow"]

# What the packages call the plain ones.
PLAIN = {
    "resnet18": lambda: torchvision.models.resnet18(),
    "resnet34": lambda: torchvision.models.resnet34(),
    "resnet50": lambda: torchvision.models.resnet50(),
    "vit_tiny": lambda: timm.create_model("vit_tiny_patch16_224", patch_size=8, img_size=32, num_classes=0),
    "vit_small": lambda: timm.create_model("vit_small_patch16_224", img_size=32, num_classes=0),
    "vit_base": lambda: timm.create_model("vit_base_patch16_224", img_size=32, num_classes=0),
}


def main() -> None:
    program = str(Path(sys.argv[1]).resolve())
    for name, encoder in ENCODERS.items():
        with tempfile.TemporaryDirectory() as folder:
            here = Path(folder)
            (here / "r.ssl").write_text(RECIPE.format(encoder))

            def run(*command: str) -> None:
                done = subprocess.run(command, cwd=here, capture_output=True, text=True)
                assert done.returncode == 0, f"{name}: {command}\n{done.stdout}{done.stderr}"

            run(program, "r.ssl", "--data", "shapes:train=16,test=8,size=32", "-o", "run", "--quiet")
            for branch in BRANCHES:
                run(program, "export", "run", "-o", branch, "--branch", branch)
                run(sys.executable, f"{branch}/load.py")
            if name in PLAIN:
                model = PLAIN[name]()
                if hasattr(model, "fc"):
                    model.fc = torch.nn.Identity()
                model.load_state_dict(load_file(here / "f/model.safetensors"), strict=True)
                check = load_file(here / "f/check.safetensors")
                with torch.no_grad():
                    features = model.eval()(check["pictures"])
                assert (features - check["features"]).norm() < 1e-4 * features.norm(), name
            config = json.loads((here / "f/config.json").read_text())
            print(f"{name}: {config['package']}, {config['features']} features")


if __name__ == "__main__":
    main()
