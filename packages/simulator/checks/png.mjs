// A screenshot as a PNG with a palette: a page has few colours, and needs a third of the bytes.
import { crc32, deflateSync } from "node:zlib"

/** The pixels of a PNG, as [red, green, blue, alpha] in rows, decoded by the browser. */
const pixelsOf = async (page, png) => {
  const decoded = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }))
    const canvas = new OffscreenCanvas(image.width, image.height)
    const context = canvas.getContext("2d")
    context.drawImage(image, 0, 0)
    const { data } = context.getImageData(0, 0, image.width, image.height)
    let text = ""
    for (let at = 0; at < data.length; at += 32_768) text += String.fromCharCode(...data.subarray(at, at + 32_768))
    return { width: image.width, height: image.height, data: btoa(text) }
  }, png.toString("base64"))
  return { ...decoded, data: Buffer.from(decoded.data, "base64") }
}

const chunk = (name, data) => {
  const body = Buffer.concat([Buffer.from(name, "latin1"), data])
  const frame = Buffer.alloc(body.length + 8)
  frame.writeUInt32BE(data.length, 0)
  body.copy(frame, 4)
  frame.writeUInt32BE(crc32(body), body.length + 4)
  return frame
}

const parts = (colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]

const far = (one, other) => {
  const [r, g, b] = parts(one)
  const [r2, g2, b2] = parts(other)
  return (r - r2) ** 2 + (g - g2) ** 2 + (b - b2) ** 2
}

/** 256 colours: the most frequent one, then again and again the one that most pixels would miss most. */
const paletteOf = (counts) => {
  const colours = [...counts].sort((a, b) => b[1] - a[1])
  const missed = new Map(colours.map(([colour]) => [colour, Infinity]))
  const palette = []
  for (let next = colours[0]?.[0]; next !== undefined && palette.length < 256;) {
    palette.push(next)
    let most = 0
    const added = next
    next = undefined
    for (const [colour, count] of colours) {
      const miss = Math.min(missed.get(colour), far(colour, added))
      missed.set(colour, miss)
      if (miss * count > most) [most, next] = [miss * count, colour]
    }
  }
  return palette
}

/** The PNG with 256 colours. The others, which are edges of letters, become the nearest of these. */
export const palettePng = async (page, png) => {
  const { data, height, width } = await pixelsOf(page, png)
  const counts = new Map()
  for (let at = 0; at < data.length; at += 4) {
    const colour = data.readUIntBE(at, 3)
    counts.set(colour, (counts.get(colour) ?? 0) + 1)
  }
  const palette = paletteOf(counts)
  const indexOf = new Map(palette.map((colour, index) => [colour, index]))
  const nearest = (colour) =>
    palette.reduce((best, other, index) => (far(other, colour) < far(palette[best], colour) ? index : best), 0)
  // Each row begins with the number of its filter: none.
  const rows = Buffer.alloc(height * (width + 1))
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour = data.readUIntBE((y * width + x) * 4, 3)
      if (!indexOf.has(colour)) indexOf.set(colour, nearest(colour))
      rows[y * (width + 1) + 1 + x] = indexOf.get(colour)
    }
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  // Eight bits a pixel, by palette.
  head.set([8, 3, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", head),
    chunk("PLTE", Buffer.from(palette.flatMap(parts))),
    chunk("IDAT", deflateSync(rows, { level: 9 })),
    chunk("IEND", Buffer.alloc(0))
  ])
}
