/** Finds a program as a shell does. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as exitCodes from "../exitCodes.js"

/** The answer of the file system about one path. */
type Answer = "executable" | "notExecutable" | "missing"

/** Asks the file system. A folder is not executable. */
const ask = (path: string): Answer => {
  try {
    if (Fs.statSync(path).isDirectory()) return "notExecutable"
  } catch {
    return "missing"
  }
  try {
    Fs.accessSync(path, Fs.constants.X_OK)
    return "executable"
  } catch {
    return "notExecutable"
  }
}

/**
 * The path of the program: as it is when the command has a slash, otherwise the first executable file of that name in the
 * folders of `path`, which is the value of PATH.
 */
export const locate = (
  command: string,
  path: string,
  about: (path: string) => Answer = ask
): string | exitCodes.Ending => {
  const candidates = command.includes("/")
    ? [command]
    : path.split(":").map((folder) => Path.join(folder === "" ? "." : folder, command))
  const answers = command === "" ? [] : candidates.map((candidate) => [candidate, about(candidate)] as const)
  const [found] = answers.find(([, answer]) => answer === "executable") ?? []
  if (found !== undefined) return found.includes("/") ? found : `./${found}`
  const [present] = answers.find(([, answer]) => answer === "notExecutable") ?? []
  return present === undefined
    ? new exitCodes.Ending({
        code: exitCodes.codes.notFound,
        message: `There is no program ${JSON.stringify(command)}. Check its name, or give its path. Nothing was armed.`
      })
    : new exitCodes.Ending({
        code: exitCodes.codes.notExecutable,
        message: `${present} cannot be executed. Make it executable, or name its interpreter. Nothing was armed.`
      })
}
