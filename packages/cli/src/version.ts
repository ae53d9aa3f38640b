/** The version of this package, as its manifest has it. A test compares the two. */
export const version = "0.1.0"
