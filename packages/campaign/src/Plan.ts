/**
 * Everything that a seed decides, drawn before anything runs, as plain data that can be printed and made smaller. Each
 * seed draws a subset of the features with its own strengths, so that rare ones meet often.
 */
import { drawOne } from "./plan/base.js"
import { dice } from "./plan/dice.js"
import { withEvidence } from "./plan/evidence.js"
import { type Draw, invalid, type Plan } from "./plan/models.js"
import { shares } from "./plan/shares.js"

export { type Dice, dice } from "./plan/dice.js"
export { withEvidence } from "./plan/evidence.js"
export {
  type Check,
  type Deed,
  type Draw,
  invalid,
  type Plan,
  type Predecessor,
  recoveryTime,
  type Sharer,
  stackOf,
  type Throwing
} from "./plan/models.js"
export { parts, without } from "./plan/smaller.js"

export const draw = (seed: number, options: Draw = {}): Plan => {
  let plan = drawOne(seed, options)
  if (invalid(plan)) return plan
  // Each share has dice of its own, so that the other draws are what they were without it.
  const ofEvidence = dice(seed + 0x5167_4e11)
  if (ofEvidence.chance(0.2)) plan = withEvidence(plan, ofEvidence)
  for (const { add, salt, share } of shares) {
    const die = dice(seed + salt)
    if (die.chance(share)) plan = add(plan, die)
  }
  return plan
}
