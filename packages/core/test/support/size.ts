/** A size of a test: small in `pnpm test`; whole, with `WHOLE=1`, in `pnpm check:all`, where it proves the documented figure. */
export const size = (small: number, whole: number): number => (process.env["WHOLE"] === "1" ? whole : small)
