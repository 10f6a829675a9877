"""SimCLR on a CIFAR ResNet-18, after lightly's example: simclr.ssl."""

import torch
from lightly.loss import NTXentLoss
from lightly.models.modules import SimCLRProjectionHead
from steps import cifar_resnet18, main


class SimCLR(torch.nn.Module):
    def __init__(self, backbone, dim):
        super().__init__()
        self.backbone = backbone
        self.projection_head = SimCLRProjectionHead(dim, dim, 128)

    def forward(self, x):
        return self.projection_head(self.backbone(x).flatten(start_dim=1))


def build(batch, variant, backbone=cifar_resnet18, dim=512):
    model = SimCLR(backbone(), dim)
    criterion = NTXentLoss(temperature=0.2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.06, momentum=0.9, weight_decay=5e-4)

    def step(views):
        x0, x1 = views
        z0 = model(x0)
        z1 = model(x1)
        loss = criterion(z0, z1)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.detach()

    return model, step


if __name__ == "__main__":
    main(build)
