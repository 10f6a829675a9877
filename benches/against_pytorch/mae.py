"""A masked autoencoder on ViT-Tiny with patches of 4 pixels, after lightly's example: mae.ssl."""

import timm
import torch
from lightly.models import utils
from lightly.models.modules import MAEDecoderTIMM, MaskedVisionTransformerTIMM
from steps import main


class MAE(torch.nn.Module):
    def __init__(self):
        super().__init__()
        vit = timm.create_model("vit_tiny_patch16_224", img_size=32, patch_size=4, num_classes=0)
        self.mask_ratio = 0.75
        self.patch_size = vit.patch_embed.patch_size[0]
        self.backbone = MaskedVisionTransformerTIMM(vit=vit)
        self.sequence_length = self.backbone.sequence_length
        self.decoder = MAEDecoderTIMM(
            num_patches=vit.patch_embed.num_patches,
            patch_size=self.patch_size,
            embed_dim=vit.embed_dim,
            decoder_embed_dim=96,
            decoder_depth=4,
            decoder_num_heads=3,
        )

    def forward_decoder(self, x_encoded, idx_keep, idx_mask):
        batch_size = x_encoded.shape[0]
        x_decode = self.decoder.embed(x_encoded)
        x_masked = utils.repeat_token(self.decoder.mask_token, (batch_size, self.sequence_length))
        x_masked = utils.set_at_index(x_masked, idx_keep, x_decode.type_as(x_masked))
        x_decoded = self.decoder.decode(x_masked)
        return self.decoder.predict(utils.get_at_index(x_decoded, idx_mask))

    def forward(self, images):
        size = (images.shape[0], self.sequence_length)
        idx_keep, idx_mask = utils.random_token_mask(size=size, mask_ratio=self.mask_ratio, device=images.device)
        x_encoded = self.backbone.encode(images=images, idx_keep=idx_keep)
        x_pred = self.forward_decoder(x_encoded, idx_keep, idx_mask)
        patches = utils.normalize_mean_var(utils.patchify(images, self.patch_size))
        return x_pred, utils.get_at_index(patches, idx_mask - 1)


def build(batch, variant):
    model = MAE()
    criterion = torch.nn.MSELoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1.5e-4, weight_decay=0.05, betas=(0.9, 0.95))

    def step(views):
        predictions, targets = model(views[0])
        loss = criterion(predictions, targets)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.detach()

    return model, step


if __name__ == "__main__":
    main(build, views=1)
