"""VICReg on a CIFAR ResNet-18, after lightly's example: vicreg.ssl."""

import torch
from lightly.loss import VICRegLoss
from lightly.models.modules.heads import VICRegProjectionHead
from steps import cifar_resnet18, main


class VICReg(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = cifar_resnet18()
        self.projection_head = VICRegProjectionHead(input_dim=512, hidden_dim=2048, output_dim=2048, num_layers=2)

    def forward(self, x):
        return self.projection_head(self.backbone(x).flatten(start_dim=1))


def build(batch, variant):
    model = VICReg()
    criterion = VICRegLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.003, momentum=0.9, weight_decay=5e-4)

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
