"""Lines in the README of a result whose head sees feature maps: what it was trained on, and a picture on its canvas."""

LOAD_CONFIG = """config = json.loads(Path("this folder/config.json").read_text(encoding="utf-8"))
labels, image = config["labels"], config["image"]
width, height = image["canvas"]"""
PLACE_PICTURE = """picture = Image.open("a.jpg").convert("RGB")
scale = min(width / picture.width, height / picture.height)
size = round(picture.width * scale), round(picture.height * scale)
canvas = Image.new("RGB", (width, height), tuple(round(255 * mean) for mean in image["mean"]))
canvas.paste(picture.resize(size, Image.Resampling.BILINEAR))"""
