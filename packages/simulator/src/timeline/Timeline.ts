/**
 * A run as a picture: text in fixed columns for terminals and failing tests, and a page (or a bare SVG) that opens
 * from disk and needs nothing else.
 *
 * ```text
 * seed 4711, account 1000001
 *    t/s  bot              network                        exchange             open
 *  0.000  beat 10 s -> ok                                 armed until 10.000      2
 *  3.000  beat 10 s ->     x request lost (drop-request)                          2
 *  6.000  beat 10 s ->     x answer lost (drop-answer)    refreshed to 16.000     2
 *  7.250  ** crash **                                                             2
 * 16.000                                                  FIRED, cancels 2        0
 * ```
 *
 * @since 0.1.0
 */
import * as History from "../journal/History.js"
import * as Page from "./page.js"
import * as Picture from "./picture.js"
import { text } from "./text.js"

/**
 * @since 0.1.0
 * @category models
 */
export type { Options } from "./picture.js"

/**
 * @since 0.1.0
 * @category models
 */
export type { Note, TextOptions } from "./text.js"

/**
 * @since 0.1.0
 * @category text
 */
export { text } from "./text.js"

/**
 * The run as one SVG, light or dark as the reader prefers. Nothing in it points outside.
 *
 * @since 0.1.0
 * @category pictures
 */
export const svg = (evidence: History.Evidence, options: Picture.Options = {}): string =>
  Picture.svg(History.make(evidence), options)

/**
 * The run as a page that opens from disk: the picture, what its signs mean, and the text below. Nothing in it points
 * outside, and no script runs.
 *
 * @since 0.1.0
 * @category pictures
 */
export const html = (
  evidence: History.Evidence,
  options: Picture.Options & { readonly title?: string | undefined } = {}
): string => Page.html(History.make(evidence), options, text(evidence, { ...options, maxRows: 2_000 }))
