"""Pictures and texts in one space: losses by open_clip, recall and zero-shot accuracy by plain NumPy, tokens by `tokenizers` -> pairs.safetensors.

    pip install open_clip_torch ftfy regex tokenizers

Keys: `clip/x`, `y`, `loss`, `grad_x`, `grad_y`, `grad_scale` and the same of `siglip` with `grad_shift`; `recall/pictures`, `texts`, `texts_of`,
`text`, `picture` (recall at 1 and 5); `zero_shot/test`, `labels`, `texts` (three templates a class), `accuracy`; `tokens/TEXT NUMBER`: the
numbers of a text by `tokenizer.json`, which lies in `fixtures/tables/` beside the texts in the metadata.
"""

import json

import numpy as np
import torch
import torch.nn.functional as F
from open_clip.loss import ClipLoss, SigLipLoss
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from common import FIXTURES, Fixture, generator

TEXTS = ["two red rings on a dark ground", "one blue heart", "a zebra, three red rings", ""]


def losses(fixture: Fixture) -> None:
    g = generator("pairs")
    x, y = (torch.randn(7, 5, generator=g).double().requires_grad_() for _ in range(2))
    units = F.normalize(x, dim=1), F.normalize(y, dim=1)
    scale, shift = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (2.6593, -10.0))
    for name, loss, given in (
        ("clip", ClipLoss()(*units, scale.exp()), {"x": x, "y": y, "scale": scale}),
        ("siglip", SigLipLoss()(*units, scale.exp(), shift), {"x": x, "y": y, "scale": scale, "shift": shift}),
    ):
        grads = torch.autograd.grad(loss, given.values(), retain_graph=True)
        fixture.put(f"{name}/loss", loss)
        for key, value, grad in zip(given, given.values(), grads):
            fixture.put(f"{name}/{key}", value)
            fixture.put(f"{name}/grad_{key}", grad)


def recall(fixture: Fixture) -> None:
    """Of 60 pictures with 40 different texts, loop by loop."""
    g = generator("recall")
    texts = torch.randn(40, 8, generator=g)
    texts_of = torch.cat((torch.arange(40), torch.randint(40, (20,), generator=g)))
    pictures = texts[texts_of] + 1.5 * torch.randn(60, 8, generator=g)
    unit = lambda z: z.double().numpy() / np.linalg.norm(z.double().numpy(), axis=1, keepdims=True)
    similarity = unit(pictures) @ unit(texts).T
    found = {"text": [], "picture": []}
    for k in (1, 5):
        hits = [texts_of[i].item() in np.argsort(-similarity[i])[:k] for i in range(60)]
        found["text"].append(np.mean(hits))
        hits = [any(texts_of[i] == t for i in np.argsort(-similarity[:, t])[:k]) for t in range(40)]
        found["picture"].append(np.mean(hits))
    print(found)
    for key, value in (("pictures", pictures), ("texts", texts), ("texts_of", texts_of)):
        fixture.put(f"recall/{key}", value)
    for key, shares in found.items():
        fixture.put(f"recall/{key}", torch.tensor(shares))


def zero_shot(fixture: Fixture) -> None:
    """open_clip's: the mean of the unit vectors of a class's templates, put back to length 1."""
    g = generator("zero_shot")
    texts = torch.randn(4, 3, 6, generator=g) + torch.randn(4, 1, 6, generator=g)
    labels = torch.randint(4, (50,), generator=g)
    test = texts.mean(1)[labels] + torch.randn(50, 6, generator=g)
    classes = F.normalize(F.normalize(texts.double(), dim=-1).mean(1), dim=-1)
    right = (F.normalize(test.double(), dim=1) @ classes.T).argmax(1) == labels
    print("zero-shot", right.double().mean())
    for key, value in (("test", test), ("labels", labels), ("texts", texts.reshape(12, 6)), ("accuracy", right.double().mean())):
        fixture.put(f"zero_shot/{key}", value)


def tokens(fixture: Fixture) -> None:
    """A tokenizer of words, with a token at the beginning and one at the end of each text."""
    words = ["[UNK]", "[START]", "[END]", "two", "one", "red", "blue", "rings", "heart", "on", "a", "dark", "ground", ","]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="[START] $A [END]", special_tokens=[("[START]", 1), ("[END]", 2)])
    folder = FIXTURES / "tables"
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(7)
    for i, text in enumerate(TEXTS):
        fixture.put(f"tokens/{i}", torch.tensor(tokenizer.encode(text).ids).float())
    fixture.metadata["tokens"] = json.dumps(TEXTS)


def main() -> None:
    fixture = Fixture("pairs")
    for write in (losses, recall, zero_shot, tokens):
        write(fixture)
    fixture.save()


if __name__ == "__main__":
    main()
