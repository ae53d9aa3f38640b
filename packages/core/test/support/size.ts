/**
 * A size of a test: small in `pnpm test`, whole in `pnpm check:all` (`WHOLE=1`), which proves the documented figure.
 */
export const size = (small: number, whole: number): number => (process.env["WHOLE"] === "1" ? whole : small)
