// Texts that decide nothing. A mutant in one of them would ask for a test that repeats the text.
/** Names of types, tags and errors. They need only differ. */
const identifier = /^~?@effect-deadman\//

/** A sentence is for people. A tag, a code or a name has no two words with a space between them. */
const sentence = /[a-z]{2} [a-z]{2}/

const textOf = ({ node }) =>
  node.type === "StringLiteral" ? node.value : node.quasis.map(({ value }) => value.raw).join("_")

const isText = (path) => path.isStringLiteral() || path.isTemplateLiteral()

/** The name of a schema, or the argument of `id`, which makes one. */
const isPartOfName = ({ parent }) =>
  (parent.type === "CallExpression" && parent.callee.name === "id") ||
  (parent.type === "ObjectProperty" && parent.key.name === "identifier")

const isMessage = (path) => path.isClassMethod({ kind: "get" }) && path.get("key").isIdentifier({ name: "message" })

/** The message of an error, or a part of it. */
const isPart = (path) =>
  path.isObjectProperty() && /^(message|inequality|numbers|advice)$/.test(path.node.key.name ?? "")

const isLog = (path) => {
  if (!path.isCallExpression()) return false
  const callee = path.get("callee")
  return callee.isMemberExpression() && /^log[A-Z]/.test(callee.node.property.name ?? "")
}

const shouldIgnore = (path) => {
  if (!isText(path)) return undefined
  if (path.isStringLiteral() && identifier.test(path.node.value)) return "the name of a type"
  if (isPartOfName(path)) return "the name of a type"
  if (path.findParent((parent) => isMessage(parent) || isPart(parent))) return "the text of a message"
  if (path.findParent(isLog)) return "the text of a log"
  if (sentence.test(textOf(path))) return "a sentence"
  return undefined
}

export const strykerPlugins = [{ kind: "Ignore", name: "texts", value: { shouldIgnore } }]
