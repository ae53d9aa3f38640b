/**
 * Twenty known bugs, each as a change of the client's text: mistakes that are easily made in such a client. A change must
 * find exactly one place to replace. Otherwise the client has changed, and the list has to follow.
 */

export interface Change {
  readonly file: string
  readonly find: string
  readonly replace: string
}

export interface Mutant {
  readonly name: string
  readonly changes: ReadonlyArray<Change>
}

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "the deadline counts from the answer",
    changes: [
      {
        file: "FireWindow.ts",
        find: "earliest = last.countdown - elapsedAtMost(last.sent, now)",
        replace: "earliest = last.countdown - elapsedAtMost(last.answered, now)"
      }
    ]
  },
  {
    name: "the alarm goes only when a request ends",
    changes: [
      { file: "internal/heartbeat/engine.ts", find: "if (earliest > 0) next =", replace: "if (earliest < 0) next =" },
      {
        file: "internal/heartbeat/engine.ts",
        find: "      live.observe()\n      const { mono }",
        replace: "      const { mono }"
      }
    ]
  },
  {
    name: "the release runs while the loop lives",
    changes: [
      {
        file: "internal/heartbeat/engine.ts",
        find: "    if (this.current?.flight === undefined) this.current?.fiber?.unsafeInterruptAsFork(FiberId.none)\n",
        replace: ""
      },
      {
        file: "internal/heartbeat/engine.ts",
        find: '    return this.live.phase === "beating" && this.live.ledger.lost === undefined\n',
        replace: "    return this.live.ledger.lost === undefined\n"
      },
      {
        file: "internal/heartbeat/engine.ts",
        find: '    if (live.phase !== "beating") return Effect.fail(this.notArmed(0))\n',
        replace: ""
      },
      {
        file: "internal/heartbeat/engine.ts",
        find: '    if (live.phase === "beating") {\n      const now',
        replace: '    if (live.phase !== "arming") {\n      const now'
      }
    ]
  },
  {
    name: "the request in flight is not awaited",
    changes: [
      { file: "internal/heartbeat/lastWrite.ts", find: "Effect.zipRight(settled(live, writer), last)", replace: "last" }
    ]
  },
  {
    name: 'no pace on the "0"',
    changes: [
      {
        file: "internal/heartbeat/lastWrite.ts",
        find: "      yield* writer.paced\n      const { again, exit } = yield* writer.send(Countdown.off)",
        replace: "      const { again, exit } = yield* writer.send(Countdown.off)"
      }
    ]
  },
  {
    name: "the wall clock for the deadline",
    changes: [
      {
        file: "internal/window/models.ts",
        find: "Math.max(0, to.mono - from.mono + Math.max(0, (to.jumped ?? 0) - (from.jumped ?? 0)), to.wall - from.wall)",
        replace: "Math.max(0, to.wall - from.wall)"
      }
    ]
  },
  {
    name: "re-arms after firing",
    changes: [
      {
        file: "internal/heartbeat/ledger.ts",
        find: 'if (status._tag === "Fired") this.lose("Fired", at)',
        replace: 'if (at.mono < 0) this.lose("Fired", at)'
      },
      {
        file: "internal/heartbeat/ledger.ts",
        find: "(this.ledger.window.gap?.confirmed === true || this.closedByMonotonicTime(at))",
        replace: "this.closedByMonotonicTime(at) && at.mono < 0"
      },
      {
        file: "FireWindow.ts",
        find: "      gap,\n      predecessor",
        replace: "      gap: undefined,\n      predecessor"
      },
      {
        file: "internal/heartbeat/writer.ts",
        find: 'if (verdict === "fired" && !fresh) live.enter({ fired: true })',
        replace: ""
      }
    ]
  },
  {
    name: "a refused signature is tried again",
    changes: [
      {
        file: "internal/heartbeat/writer.ts",
        find: "? failure.retryable : count < finalAfter",
        replace: '? failure.retryable || failure._tag === "CredentialsRefused" : count < finalAfter'
      }
    ]
  },
  {
    name: "an unknown outcome is treated as refused",
    changes: [
      {
        file: "internal/heartbeat/writer.ts",
        find: "FireWindow.refused(window, flight.id) : FireWindow.unresolved(window, flight.id)",
        replace: "FireWindow.refused(window, flight.id) : FireWindow.refused(window, flight.id)"
      }
    ]
  },
  {
    name: "zero by rounding",
    changes: [
      {
        file: "Countdown.ts",
        find: 'setting === off ? "0" : String(setting)',
        replace: 'setting === off ? "0" : String(Math.floor(setting / 10) * 10)'
      }
    ]
  },
  {
    name: "an order that was created inside the gap counts",
    changes: [
      {
        file: "Sighting.ts",
        find: "base.stamps.acceptedAt + shortest - placingLatency - stampTolerance",
        replace: "base.stamps.acceptedAt + shortest - placingLatency - stampTolerance + 1e9"
      }
    ]
  },
  {
    name: "a list counts that was requested before the latencies are over",
    changes: [
      {
        file: "Sighting.ts",
        find: "  triggerLatency + cancelLatency + maxStaleness\n",
        replace: "  0 * (triggerLatency + cancelLatency + maxStaleness)\n"
      }
    ]
  },
  {
    name: "the host's clock for the age of an order",
    changes: [
      {
        file: "Sighting.ts",
        find: "base.stamps.acceptedAt + shortest - placingLatency",
        replace: "(base.sent ?? base.answered ?? { wall: 0 }).wall + shortest - placingLatency"
      }
    ]
  },
  {
    name: "a watchdog on the monotonic clock alone",
    changes: [
      {
        file: "Liveness.ts",
        find: "const passed = FireWindow.elapsedAtMost(last, now)",
        replace: "const passed = FireWindow.elapsedAtLeast(last, now)"
      }
    ]
  },
  {
    name: "the first user that leaves releases the heartbeat",
    changes: [
      {
        file: "Heartbeats.ts",
        find: "return entry.users > 0 ? Effect.void : close(entry, entry.worst ?? exit)",
        replace: "return close(entry, entry.worst ?? exit)"
      }
    ]
  },
  {
    name: "refusals add up over a success",
    changes: [{ file: "internal/heartbeat/writer.ts", find: "    this.refusals = none\n", replace: "" }]
  },
  {
    name: "small delays add up",
    changes: [
      {
        file: "internal/heartbeat/engine.ts",
        find: "this.inTime((sent - this.beatAt < pace / 2 ? this.beatAt : sent) + interval)",
        replace: "this.inTime(sent + interval)"
      }
    ]
  },
  {
    name: "the last user's exit chooses, not the worst",
    changes: [
      {
        file: "Heartbeats.ts",
        find: "return entry.users > 0 ? Effect.void : close(entry, entry.worst ?? exit)",
        replace: "return entry.users > 0 ? Effect.void : close(entry, exit)"
      }
    ]
  },
  {
    name: "a further user waits for a beat",
    changes: [
      {
        file: "Heartbeats.ts",
        find: "Effect.exit(restore(Deferred.await(entry.ready)))",
        replace: "Effect.exit(restore(Effect.tap(Deferred.await(entry.ready), ({ beat }) => Effect.ignore(beat))))"
      }
    ]
  },
  {
    name: "a port that throws is tried again",
    changes: [
      {
        file: "internal/heartbeat/writer.ts",
        find: "const again = worthRepeating(",
        replace: "const again = typed === undefined || worthRepeating("
      }
    ]
  }
]

/** Applies the change to the text. Throws when it does not apply exactly once. */
export const apply = (text: string, { file, find, replace }: Change, name: string): string => {
  const places = text.split(find).length - 1
  if (places !== 1) {
    throw new Error(
      `The mutant "${name}" does not apply: ${file} has ${places} places that read\n${find}\nBring the mutant up to date.`
    )
  }
  return text.replace(find, () => replace)
}
