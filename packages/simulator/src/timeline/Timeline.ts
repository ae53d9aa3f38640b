/**
 * Shows a run: as text in fixed columns for terminals and failing tests, and as a page or an SVG that needs no other
 * file.
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
 * The run as one SVG without external resources, light or dark by the reader's preference.
 *
 * @since 0.1.0
 * @category pictures
 */
export const svg = (evidence: History.Evidence, options: Picture.Options = {}): string =>
  Picture.svg(History.make(evidence), options)

/**
 * The run as a page that opens from disk: the picture, its legend, and the text. Has no scripts and no external
 * resources.
 *
 * @since 0.1.0
 * @category pictures
 */
export const html = (
  evidence: History.Evidence,
  options: Picture.Options & { readonly title?: string | undefined } = {}
): string => Page.html(History.make(evidence), options, text(evidence, { ...options, maxRows: 2_000 }))
