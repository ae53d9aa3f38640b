/**
 * The processes of the program: its group, and on Linux also those that have left the group, by a marker in their
 * environment. Imports nothing of Effect, because the watcher has to be small.
 */
import * as Fs from "node:fs"
import process from "node:process"

/** The program's processes: `group` is the id of the group, `marker` the name of a variable in their environment. */
export interface Tree {
  readonly group: number
  readonly marker: string
}

/** One process of the tree. */
export interface Member {
  readonly pid: number
  readonly parent: number
  /** Whether it is in the program's group. */
  readonly inGroup: boolean
}

/** The parts of `/proc/<pid>/stat`. The name is in parentheses and may hold any character. */
export const parseStat = (
  stat: string
): { readonly state: string; readonly parent: number; readonly group: number } => {
  const [state = "", parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return { state, parent: Number(parent), group: Number(group) }
}

const read = (path: string): string => {
  try {
    return Fs.readFileSync(path, "latin1")
  } catch {
    // The process has ended, or belongs to another user.
    return ""
  }
}

/** Whether processes outside of the group can be found on this system. */
export const findsStrays: boolean = process.platform === "linux"

/** The processes that still run, without those that have ended and wait for their parent. Linux only. */
const members = ({ group, marker }: Tree): ReadonlyArray<Member> =>
  Fs.readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    const stat = parseStat(read(`/proc/${name}/stat`))
    if (stat.state === "" || stat.state === "Z" || stat.state === "X") return []
    const inGroup = stat.group === group
    const isOurs = inGroup || `\0${read(`/proc/${name}/environ`)}`.includes(`\0${marker}=`)
    return isOurs ? [{ pid: Number(name), parent: stat.parent, inGroup }] : []
  })

/** Sends a signal to a process, or with a negative id to a group. Returns whether anything received it. */
const send = (pid: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    // EPERM: it runs under another user.
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

/** The number of processes that still run. On systems other than Linux 1 stands for a group with any process. */
export const remaining = (tree: Tree): number => (findsStrays ? members(tree).length : send(-tree.group, 0) ? 1 : 0)

/**
 * Sends a signal to the group, and to each process outside of it that the program has left on its own (a daemon). A
 * process outside of the group whose parent is in the tree is its parent's business.
 */
export const signal = (tree: Tree, name: NodeJS.Signals): ReadonlyArray<number> => {
  const all = findsStrays ? members(tree) : []
  send(-tree.group, name)
  const pids = new Set(all.map(({ pid }) => pid))
  const daemons = all.filter(({ inGroup, parent }) => !inGroup && !pids.has(parent))
  for (const { pid } of daemons) send(pid, name)
  return [...all.filter(({ inGroup }) => inGroup), ...daemons].map(({ pid }) => pid)
}

/** Sends a signal to every process of the tree, except for those in `told`. Returns the ids of all. */
export const signalAll = (
  tree: Tree,
  name: NodeJS.Signals,
  told: ReadonlySet<number> = new Set()
): ReadonlyArray<number> => {
  if (!findsStrays) return send(-tree.group, name) ? [tree.group] : []
  const all = members(tree)
  for (const { pid } of all) if (!told.has(pid)) send(pid, name)
  return all.map(({ pid }) => pid)
}
