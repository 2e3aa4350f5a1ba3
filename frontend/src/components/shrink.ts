// A photo that the server would refuse, drawn smaller. Phones make pictures of 20 MB and 200 megapixels.

export interface Limits {
  bytes: number; // of the file
  pixels: number; // of the picture
  side: number; // of the smaller copy, the longer one in pixels
}

/**
 * The file itself if it fits, a smaller JPEG of it if the browser can draw it, undefined if it is too large to send.
 * `slow` is called before work that a person will notice.
 */
export async function fit(file: File, limits: Limits, slow: () => void): Promise<File | undefined> {
  const url = URL.createObjectURL(file);
  try {
    const image = await draw(url);
    const small = file.size <= limits.bytes;
    // What the browser cannot read (HEIC, a broken file) is the server's to judge.
    if (!image) return small ? file : undefined;
    if (small && image.naturalWidth * image.naturalHeight <= limits.pixels) return file;
    slow();
    await image.decode(); // one that is too much for this browser is refused here, not drawn blank
    return await smaller(file, image, limits);
  } catch (error) {
    console.warn(error);
    return undefined;
  } finally {
    URL.revokeObjectURL(url);
  }
}

function draw(url: string): Promise<HTMLImageElement | undefined> {
  const image = new Image();
  image.src = url;
  return new Promise((resolve) => {
    image.addEventListener("load", () => resolve(image));
    image.addEventListener("error", () => resolve(undefined));
  });
}

/** As JPEG, upright: an image element is drawn as its EXIF orientation says. Smaller in steps until it fits. */
async function smaller(file: File, image: HTMLImageElement, limits: Limits): Promise<File | undefined> {
  for (const [share, quality] of [[1, 0.9], [0.75, 0.85], [0.5, 0.8]] as const) {
    const blob = await jpeg(image, limits.side * share, quality);
    if (blob && blob.size <= limits.bytes) {
      const name = file.name.replace(/\.[^.]*$/, "") || "photo";
      return new File([blob], `${name}.jpg`, { type: "image/jpeg", lastModified: file.lastModified });
    }
  }
  return undefined;
}

function jpeg(image: HTMLImageElement, side: number, quality: number): Promise<Blob | null> {
  const { naturalWidth: width, naturalHeight: height } = image;
  const scale = Math.min(1, side / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const pen = canvas.getContext("2d");
  if (!pen) return Promise.resolve(null); // out of memory: nothing smaller can be made here
  pen.fillStyle = "white"; // JPEG has no transparency
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
}
