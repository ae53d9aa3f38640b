/**
 * Known bugs of a cluster, each as a change of its text. The first five are those that such a package must not have; the
 * others take away a precaution, to show that it is needed.
 */
import type { Mutant } from "../Mutants.js"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a 0 when an account is lost",
    changes: [
      {
        file: "internal/life.ts",
        find: 'lost === undefined && cell.permit?.epoch === epoch ? "Disarm" : "LetExpire"',
        replace: 'lost === undefined ? "Disarm" : "LetExpire"'
      },
      {
        file: "Fence.ts",
        find: "!options.mayBeat() : options.permit() !== options.epoch",
        replace: "!options.mayBeat() : false"
      }
    ]
  },
  {
    name: "the permit of an old epoch is accepted",
    changes: [
      {
        file: "AccountStore.ts",
        find: '(entry) => entry.epoch === epoch && entry.wanted === "release" && entry.signedOff !== epoch',
        replace: '(entry) => entry.wanted === "release" && entry.signedOff !== epoch'
      }
    ]
  },
  {
    name: "the predecessor is ignored",
    changes: [
      {
        file: "internal/life.ts",
        find: "const predecessor = Continuity.predecessorOf(row)",
        replace: 'const predecessor: Continuity.Predecessor = { _tag: "None" }'
      }
    ]
  },
  {
    name: "grace has no end",
    changes: [
      {
        file: "Handover.ts",
        find: "return now < Math.min(state.seen + beatsUnconfirmed(settings), (state.handingSince ?? Infinity) + grace)",
        replace: "return grace >= 0"
      }
    ]
  },
  {
    name: "arming has no bound",
    changes: [{ file: "internal/turns.ts", find: "if (free > 0) free--", replace: "if (free > -Infinity) free--" }]
  },
  {
    name: "the work does not wait for the end of the one before",
    changes: [
      {
        file: "internal/life.ts",
        find: ": takenAt + Settings.doubtAfter + 1_000",
        replace: ": takenAt"
      }
    ]
  },
  {
    name: "the work goes on while the store is away",
    changes: [
      {
        file: "Handover.ts",
        find: "now >= current.seen + settings.doubtAfter || now < current.zeroUntil",
        replace: "now < current.zeroUntil"
      }
    ]
  },
  {
    name: "an account is armed while a permitted 0 may arrive",
    changes: [
      {
        file: "AccountStore.ts",
        find: "entry.outcome === null : entry.zeroAt <= now)",
        replace: "entry.outcome === null : true)"
      },
      { file: "Handover.ts", find: ": row.zeroIn <= 0 && (", replace: ": true && (" }
    ]
  },
  {
    name: "a withdrawn release forgets the 0 of an earlier owner",
    changes: [{ file: "Handover.ts", find: " || now < current.zeroUntil", replace: "" }]
  },
  {
    name: "a runner arms although its take-over was not answered",
    changes: [
      {
        file: "internal/life.ts",
        find: "      cell.failure = taken.left.message\n      return false\n    }",
        replace: "      cell.failure = taken.left.message\n    }"
      },
      { file: "internal/life.ts", find: "if (Option.isNone(taken.right)) return false", replace: "" },
      {
        file: "internal/life.ts",
        find: "const row = (cell.row = taken.right.value)",
        replace:
          "if (taken._tag === 'Right' && Option.isNone(taken.right)) return false\n" +
          "const row = (cell.row = taken._tag === 'Right' ? taken.right.value : " +
          "{ ...cell.row, epoch: cell.row.epoch + 1, shortestBefore: settings.countdown })"
      }
    ]
  },
  {
    name: "a take-over comes too late",
    changes: [
      {
        file: "Handover.ts",
        find: "return isMine && row !== undefined && now >= state.restUntil",
        replace: "return isMine && row !== undefined && now % 40_000 < 5_000 && now >= state.restUntil"
      }
    ]
  }
]
