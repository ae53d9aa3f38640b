import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import { expectTypeOf } from "vitest"
import type * as BitgetClient from "@effect-deadman/core/BitgetClient"
import type * as Countdown from "@effect-deadman/core/Countdown"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import type * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import type * as VenueError from "@effect-deadman/core/VenueError"

/** Every class by its tag, independent of the union, so that neither can lose one. */
interface ByTag {
  readonly CredentialsRefused: VenueError.CredentialsRefused
  readonly TimestampRefused: VenueError.TimestampRefused
  readonly IpRefused: VenueError.IpRefused
  readonly RegionRefused: VenueError.RegionRefused
  readonly PermissionRefused: VenueError.PermissionRefused
  readonly NotUnifiedAccount: VenueError.NotUnifiedAccount
  readonly AccountBlocked: VenueError.AccountBlocked
  readonly RateLimited: VenueError.RateLimited
  readonly RequestRefused: VenueError.RequestRefused
  readonly VenueBusy: VenueError.VenueBusy
  readonly OutcomeUnknown: VenueError.OutcomeUnknown
  readonly UnrecognizedCode: VenueError.UnrecognizedCode
  readonly TransportFailure: VenueError.TransportFailure
  readonly RequestTimeout: VenueError.RequestTimeout
  readonly UnreadableAnswer: VenueError.UnreadableAnswer
}

type Tag = keyof ByTag
type Service = BitgetCountdown.BitgetCountdown
type Execute = BitgetClient.BitgetClient["Type"]["execute"]

// Types only, nothing here runs. `tsc -b` fails when one of them does not hold.
declare const set: Service["set"]
declare const execute: Execute
declare const off: Countdown.Off
declare const schema: Schema.Schema<{ readonly uid: string }, { readonly uid: string }>

describe("the types of the failures", () => {
  it("the error channel of set lists every class, and no other", () => {
    expectTypeOf<Effect.Effect.Error<ReturnType<Service["set"]>>>().toEqualTypeOf<ByTag[Tag]>()
    expectTypeOf<VenueError.VenueError["_tag"]>().toEqualTypeOf<Tag>()
    expectTypeOf<Effect.Effect.Context<ReturnType<Service["set"]>>>().toEqualTypeOf<never>()
    expectTypeOf<Effect.Effect.Error<ReturnType<Execute>>>().toEqualTypeOf<ByTag[Tag]>()
  })

  it("catchTag narrows to the class and takes it out of the channel", () => {
    expectTypeOf<{ readonly [T in Tag]: Extract<VenueError.VenueError, { readonly _tag: T }> }>().toEqualTypeOf<ByTag>()

    const one = () => set(off).pipe(Effect.catchTag("NotUnifiedAccount", (error) => Effect.succeed(error)))
    expectTypeOf<Effect.Effect.Error<ReturnType<typeof one>>>().toEqualTypeOf<
      Exclude<VenueError.VenueError, VenueError.NotUnifiedAccount>
    >()
    expectTypeOf<Effect.Effect.Success<ReturnType<typeof one>>>().toEqualTypeOf<
      CountdownCancelAll.Acknowledgement | VenueError.NotUnifiedAccount
    >()

    const handlers: { readonly [T in Tag]: (error: ByTag[T]) => Effect.Effect<T> } = {
      CredentialsRefused: (error) => Effect.succeed(error._tag),
      TimestampRefused: (error) => Effect.succeed(error._tag),
      IpRefused: (error) => Effect.succeed(error._tag),
      RegionRefused: (error) => Effect.succeed(error._tag),
      PermissionRefused: (error) => Effect.succeed(error._tag),
      NotUnifiedAccount: (error) => Effect.succeed(error._tag),
      AccountBlocked: (error) => Effect.succeed(error._tag),
      RateLimited: (error) => Effect.succeed(error._tag),
      RequestRefused: (error) => Effect.succeed(error._tag),
      VenueBusy: (error) => Effect.succeed(error._tag),
      OutcomeUnknown: (error) => Effect.succeed(error._tag),
      UnrecognizedCode: (error) => Effect.succeed(error._tag),
      TransportFailure: (error) => Effect.succeed(error._tag),
      RequestTimeout: (error) => Effect.succeed(error._tag),
      UnreadableAnswer: (error) => Effect.succeed(error._tag)
    }
    const all = () => set(off).pipe(Effect.catchTags(handlers))
    expectTypeOf<Effect.Effect.Error<ReturnType<typeof all>>>().toEqualTypeOf<never>()
  })

  it("every class has the fields that decide", () => {
    type Fields = { [T in Tag]: Pick<ByTag[T], "applied" | "retryable" | "code" | "httpStatus" | "requestTime"> }
    expectTypeOf<Fields[Tag]>().toEqualTypeOf<{
      readonly applied: VenueError.Applied
      readonly retryable: boolean
      readonly code?: string | undefined
      readonly httpStatus?: number | undefined
      readonly requestTime?: number | undefined
    }>()
    expectTypeOf<ByTag[Tag]["message"]>().toEqualTypeOf<string>()
  })

  it("a call's data has the type of its schema", () => {
    const call = () => execute({ method: "GET", path: "/api/v3/account/settings", response: schema })
    expectTypeOf<Effect.Effect.Success<ReturnType<typeof call>>["data"]>().toEqualTypeOf<{ readonly uid: string }>()
    // @ts-expect-error A path starts with a slash.
    const relative = () => execute({ method: "GET", path: "api", response: schema })
    expectTypeOf(relative).toBeFunction()
  })
})
