/** Pieces of options that several commands share. */
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Either from "effect/Either"
import * as Option from "effect/Option"

/** Parses the value of an option, or fails with the problem. */
export const parsed = <A, B>(
  option: Options.Options<A>,
  use: (value: A) => Either.Either<B, string>
): Options.Options<B> =>
  Options.mapEffect(option, (value) =>
    Either.mapLeft(use(value), (problem) => ValidationError.invalidValue(HelpDoc.p(problem)))
  )

/** The help of a plain default does not name it, so its description does. */
export const withDefault = <A extends string | number>(option: Options.Options<A>, description: string, value: A) =>
  option.pipe(Options.withDescription(`${description}. Default: ${value}`), Options.withDefault(value))

/** An option that may be left out; `otherwise` says what happens then. */
export const optional = <A>(option: Options.Options<A>, description: string, otherwise: string) =>
  option.pipe(
    Options.withDescription(`${description}. Default: ${otherwise}`),
    Options.optional,
    Options.map(Option.getOrUndefined)
  )

/** Checks a value that may be left out. */
export const checked =
  <A, B>(use: (value: A) => Either.Either<B, string>) =>
  (value: A | undefined) =>
    value === undefined ? Either.right(undefined) : use(value)
