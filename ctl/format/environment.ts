// Assignments as a shell reads them back (systemctl show-environment).

/** `NAME=value`, the value quoted when a shell would not take it as it is: `C=$'d e'`. */
export function formatAssignment(assignment: string): string {
  const equals = assignment.indexOf('=')
  const value = assignment.slice(equals + 1)
  if (/^[\w@%+=:,./-]*$/.test(value)) return assignment
  const quoted = value.replace(/[\\'\n\t\r]/g, character => ESCAPES[character] ?? character)
  return `${assignment.slice(0, equals + 1)}$'${quoted}'`
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '\n': '\\n',
  '\t': '\\t',
  '\r': '\\r',
}
