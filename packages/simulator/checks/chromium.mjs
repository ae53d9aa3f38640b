// Where Chromium is on this machine, or what to install.
import * as Fs from "node:fs"

const candidates = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium"
]

export const chromiumPath = () => {
  const found = candidates.find((path) => path !== undefined && Fs.existsSync(path))
  if (found !== undefined) return found
  console.error(
    "This check opens the live page in a real Chromium, and there is none here.\n" +
      "Install one (Debian, Ubuntu: apt-get install -y chromium; macOS: brew install --cask chromium),\n" +
      "or set CHROMIUM to the path of one."
  )
  process.exit(2)
}
