"""Small drawn street scenes for the demonstration, each with a visible 示例 ("sample") mark: nobody's real photo."""

import io
from functools import cache
from random import Random

from django.core.files.base import ContentFile
from PIL import Image, ImageDraw

SIZE = (960, 720)
# The mark's two characters as pen strokes in a 100 by 100 box, so that no font is needed.
STROKES = (
    (((20, 20), (80, 20)), ((8, 42), (92, 42)), ((50, 42), (50, 92), (38, 84)), ((30, 56), (14, 80)), ((70, 56), (86, 80))),
    (((24, 8), (8, 44)), ((18, 32), (18, 94)), ((34, 18), (64, 18)), ((50, 18), (36, 48)), ((44, 34), (62, 34), (54, 62), (34, 92)),
     ((42, 52), (54, 66)), ((74, 22), (74, 68)), ((90, 8), (90, 92), (80, 84))),
)  # fmt: skip
Pen = ImageDraw.ImageDraw


@cache
def picture(scene: str, after: bool, variant: int) -> bytes:
    """JPEG bytes of a scene before or after it was put in order; the same arguments draw the same picture."""
    rng = Random(f"{scene}-{variant}")  # noqa: S311
    image = Image.new("RGB", SIZE, (198, 214, 228))
    pen = ImageDraw.Draw(image)
    _street(pen, rng)
    SCENES[scene](pen, rng, after)
    _mark(pen)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def file(scene: str, after: bool, variant: int) -> ContentFile:
    """The picture as a file to hand to the uploads."""
    return ContentFile(picture(scene, after, variant), name=f"sample-{scene}.jpg")


def _street(pen: Pen, rng: Random) -> None:
    x = 0
    while x < SIZE[0]:
        width, top, grey = rng.randrange(110, 220), rng.randrange(90, 260), rng.randrange(150, 205)
        pen.rectangle([x, top, x + width, 430], fill=(grey, grey - 6, grey - 18))
        for wx in range(x + 16, x + width - 24, 38):
            for wy in range(top + 20, 400, 48):
                pen.rectangle([wx, wy, wx + 20, wy + 26], fill=(104, 122, 140))
        x += width + rng.randrange(6, 40)
    pen.rectangle([0, 430, SIZE[0], 520], fill=(176, 172, 164))
    for x in range(0, SIZE[0], 48):
        pen.line([(x, 430), (x - 30, 520)], fill=(158, 154, 146), width=2)
    pen.rectangle([0, 520, SIZE[0], SIZE[1]], fill=(92, 94, 98))
    for x in range(40, SIZE[0], 160):
        pen.rectangle([x, 622, x + 80, 632], fill=(228, 226, 214))


def _litter(pen: Pen, rng: Random, after: bool) -> None:
    for _i in range(4 if after else 70):
        x, y, r = rng.gauss(480, 110), rng.gauss(540, 30), rng.randrange(10, 30)
        colour = rng.choice(((60, 62, 66), (222, 222, 216), (170, 60, 52), (70, 110, 160), (190, 150, 80)))
        if not after:
            pen.ellipse([x - r, y - r * 0.7, x + r, y + r * 0.7], fill=colour, outline=(40, 40, 40))


def _road(pen: Pen, rng: Random, after: bool) -> None:
    x, y = rng.randrange(300, 600), rng.randrange(570, 630)
    if after:
        pen.rectangle([x - 130, y - 40, x + 130, y + 40], fill=(66, 67, 70))
        return
    pen.ellipse([x - 120, y - 38, x + 120, y + 38], fill=(58, 52, 46), outline=(120, 116, 108), width=6)
    for _i in range(14):
        dx, dy = rng.randrange(-220, 220), rng.randrange(-50, 60)
        pen.line([(x, y), (x + dx, y + dy), (x + dx + rng.randrange(-40, 40), y + dy + 18)], fill=(50, 50, 52), width=3)


def _light(pen: Pen, rng: Random, after: bool) -> None:
    x = rng.randrange(300, 640)
    pen.rectangle([x, 120, x + 14, 520], fill=(70, 74, 78))
    pen.line([(x, 124), (x + 120, 110)], fill=(70, 74, 78), width=10)
    pen.ellipse([x + 96, 104, x + 156, 134], fill=(255, 232, 150) if after else (96, 96, 96))
    if after:
        pen.polygon([(x + 126, 134), (x + 20, 510), (x + 250, 510)], fill=(232, 224, 190))


def _cars(pen: Pen, rng: Random, after: bool) -> None:
    for i in range(1 if after else 5):
        x, y = 60 + i * 180, 560 if after else 470
        colour = rng.choice(((172, 40, 40), (230, 230, 230), (40, 60, 110), (60, 60, 64)))
        pen.rounded_rectangle([x, y, x + 150, y + 56], 14, fill=colour)
        pen.rounded_rectangle([x + 30, y - 34, x + 118, y + 8], 12, fill=colour)
        for wheel in (x + 20, x + 102):
            pen.ellipse([wheel, y + 36, wheel + 32, y + 68], fill=(24, 24, 24))


def _bikes(pen: Pen, rng: Random, after: bool) -> None:
    for i in range(9):
        x = 120 + i * 74 if after else rng.randrange(100, 780)
        y = 470 if after else rng.randrange(450, 560)
        colour = rng.choice(((240, 150, 30), (40, 130, 220), (60, 170, 90)))
        for wheel in (x, x + 46):
            pen.ellipse([wheel, y, wheel + 36, y + 36], outline=(30, 30, 30), width=4)
        pen.line([(x + 18, y + 18), (x + 34, y - 10), (x + 64, y + 18), (x + 18, y + 18)], fill=colour, width=6)


def _water(pen: Pen, rng: Random, after: bool) -> None:
    if after:
        return
    for _i in range(5):
        x, y, w = rng.randrange(160, 760), rng.randrange(540, 660), rng.randrange(90, 240)
        pen.ellipse([x - w, y - 24, x + w, y + 24], fill=(112, 138, 150), outline=(140, 164, 176), width=4)


def _stall(pen: Pen, rng: Random, after: bool) -> None:
    for i in range(0 if after else 4):
        x = 90 + i * 200 + rng.randrange(-20, 20)
        pen.polygon(
            [(x, 410), (x + 150, 410), (x + 120, 360), (x + 30, 360)], fill=rng.choice(((200, 60, 50), (60, 120, 80)))
        )
        pen.rectangle([x + 10, 460, x + 140, 500], fill=(150, 110, 70))
        pen.line([(x + 12, 410), (x + 12, 500)], fill=(80, 80, 80), width=5)
        pen.line([(x + 138, 410), (x + 138, 500)], fill=(80, 80, 80), width=5)


def _tree(pen: Pen, rng: Random, after: bool) -> None:
    for x in (220, 520, 780):
        pen.rectangle([x - 8, 300, x + 8, 470], fill=(96, 72, 48))
        leaf = (78, 132, 72) if after or x != 520 else (150, 118, 66)
        for _i in range(14):
            dx, dy = rng.randrange(-60, 60), rng.randrange(-60, 40)
            pen.ellipse([x + dx - 34, 270 + dy - 30, x + dx + 34, 270 + dy + 30], fill=leaf)


def _bin(pen: Pen, rng: Random, after: bool) -> None:
    pen.rounded_rectangle([430, 380, 540, 520], 8, fill=(52, 110, 72))
    pen.rectangle([420, 366, 550, 384], fill=(40, 88, 58))
    if not after:
        for _i in range(26):
            x, y, r = rng.randrange(380, 600), rng.randrange(330, 540), rng.randrange(10, 24)
            pen.ellipse([x - r, y - r, x + r, y + r], fill=rng.choice(((62, 62, 66), (214, 214, 208), (180, 80, 60))))


def _sign(pen: Pen, rng: Random, after: bool) -> None:
    pen.rectangle([300, 250, 660, 420], fill=(206, 200, 188), outline=(120, 116, 108), width=4)
    for _i in range(0 if after else 34):
        x, y = rng.randrange(306, 620), rng.randrange(256, 380)
        pen.rectangle([x, y, x + 34, y + 24], fill=rng.choice(((250, 246, 210), (240, 190, 190), (200, 220, 250))))
        pen.line([(x + 4, y + 8), (x + 28, y + 8)], fill=(60, 60, 60), width=2)


def _site(pen: Pen, rng: Random, after: bool) -> None:
    for x in range(120, 840, 90):
        pen.rectangle([x, 400, x + 84, 500], fill=(70, 120, 170), outline=(50, 90, 130), width=3)
    mound = [(260, 402), (420, 270), (560, 330), (700, 402)]
    pen.polygon(mound, fill=(70, 120, 70) if after else (156, 124, 84))
    pen.line([(800, 400), (800, 90), (560, 90)], fill=(220, 170, 40), width=8)


def _mark(pen: Pen) -> None:
    left, top, size = SIZE[0] - 210, 16, 88
    pen.rounded_rectangle(
        [left - 14, top - 8, SIZE[0] - 10, top + size + 12], 10, fill=(255, 255, 255), outline=(178, 34, 34), width=4
    )
    for number, strokes in enumerate(STROKES):
        for stroke in strokes:
            points = [(left + number * 98 + x * size / 100, top + y * size / 100) for x, y in stroke]
            pen.line(points, fill=(178, 34, 34), width=8, joint="curve")


SCENES = {
    "litter": _litter, "road": _road, "light": _light, "cars": _cars, "bikes": _bikes, "water": _water, "stall": _stall,
    "tree": _tree, "bin": _bin, "sign": _sign, "site": _site,
}  # fmt: skip
