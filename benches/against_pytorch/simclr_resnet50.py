"""SimCLR on torchvision's ResNet-50 and pictures of 96 pixels: simclr_resnet50.ssl."""

import torch
import torchvision
from simclr import build
from steps import main


def resnet50():
    net = torchvision.models.resnet50()
    net.fc = torch.nn.Identity()
    return net


if __name__ == "__main__":
    main(lambda batch, variant: build(batch, variant, resnet50, 2048), size=96)
