"""DINO on ViT-Tiny with patches of 4 pixels, after lightly's example: dino.ssl.

The variant `together` gives crops of one size to the networks in one call, as the official code does.
"""

import copy

import timm
import torch
from lightly.loss import DINOLoss
from lightly.models.modules import DINOProjectionHead
from lightly.models.utils import deactivate_requires_grad, update_momentum
from steps import main


class DINO(torch.nn.Module):
    def __init__(self):
        super().__init__()
        backbone = timm.create_model(
            "vit_tiny_patch16_224", img_size=32, patch_size=4, num_classes=0, dynamic_img_size=True
        )
        self.student_backbone = backbone
        self.student_head = DINOProjectionHead(192, 512, 64, 2048, freeze_last_layer=1)
        self.teacher_backbone = copy.deepcopy(backbone)
        self.teacher_head = DINOProjectionHead(192, 512, 64, 2048)
        deactivate_requires_grad(self.teacher_backbone)
        deactivate_requires_grad(self.teacher_head)

    def forward(self, x):
        return self.student_head(self.student_backbone(x).flatten(start_dim=1))

    def forward_teacher(self, x):
        return self.teacher_head(self.teacher_backbone(x).flatten(start_dim=1))


def build(batch, variant):
    model = DINO()
    criterion = DINOLoss(output_dim=2048, warmup_teacher_temp_epochs=3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.04)

    def each(network, views):
        if variant != "together":
            return [network(view) for view in views]
        return [z for size in (32, 16) for z in joined(network, [v for v in views if v.shape[-1] == size])]

    def joined(network, views):
        return network(torch.cat(views)).chunk(len(views)) if views else []

    def step(views):
        update_momentum(model.student_backbone, model.teacher_backbone, m=0.99)
        update_momentum(model.student_head, model.teacher_head, m=0.99)
        teacher_out = each(model.forward_teacher, views[:2])
        student_out = each(model.forward, views)
        loss = criterion(teacher_out, student_out, epoch=0)
        loss.backward()
        model.student_head.cancel_last_layer_gradients(current_epoch=0)
        optimizer.step()
        optimizer.zero_grad()
        return loss.detach()

    return model, step


if __name__ == "__main__":
    main(build, views=[32, 32, 16, 16])
