"""Pictures for tests, drawn here: no file of anybody's is in the repository."""

import io
from functools import cache
from typing import Any

from PIL import Image, ImageDraw
from PIL.TiffImagePlugin import IFDRational

SECRET = "张三的手机".encode()


def drawn(size: tuple[int, int], mode: str = "RGB", colour: Any = None, *, plain: bool = False) -> Image.Image:
    """A street scene of sorts, with enough edges to have some weight; transparent modes are fully transparent."""
    if mode in ("RGBA", "LA"):
        return Image.new(mode, size)
    image = Image.new("RGB", size, colour or (120, 140, 160))
    if not plain and colour is None:
        pen = ImageDraw.Draw(image)
        for i in range(0, size[0], max(8, size[0] // 40)):
            pen.line([(i, 0), (size[0] - i, size[1])], fill=(i * 7 % 255, i * 3 % 255, 60), width=2)
    if mode == "I;16":
        return image.convert("L").convert("I").point(lambda v: v * 256).convert("I;16")
    return image.convert(mode)


@cache
def picture(
    format: str,
    size: tuple[int, int],
    mode: str = "RGB",
    colour: Any = None,
    plain: bool = False,
    frames: int = 1,
    **options: Any,
) -> bytes:
    """The bytes of a picture in any format; `frames` > 1 animates it."""
    image = drawn(size, mode, colour, plain=plain)
    if format == "MPO":
        options |= {"save_all": True, "append_images": [drawn(size, mode, (9, 9, 9))]}
    if frames > 1:
        more = [drawn(size, mode, (40 * i, 20, 20)) for i in range(1, frames)]
        options |= {"save_all": True, "append_images": more, "duration": 100}
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


@cache
def gps_jpeg(orientation: int = 1, size: tuple[int, int] = (640, 480)) -> bytes:
    """A phone's JPEG: position, maker, owner, orientation, comment."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x013B] = orientation, "Phone", SECRET
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2] = "N", (IFDRational(40), IFDRational(4), IFDRational(32))
    gps[3], gps[4] = "E", (IFDRational(113), IFDRational(17), IFDRational(53))
    out = io.BytesIO()
    drawn(size).save(out, "JPEG", exif=exif, comment=SECRET, xmp=b"<x:xmpmeta>http " + SECRET + b"</x:xmpmeta>")
    return out.getvalue()
