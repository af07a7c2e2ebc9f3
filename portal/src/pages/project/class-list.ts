// Class lists: CSV as `prism project member add --from` reads it, or one user name on each line.
import type { Schemas } from "../../api/client";
import { text } from "../../text";

const words = text.roster;

/** How many members a request may name. */
export const MOST = 500;
/** What a group may be called. */
export const GROUP = /^[a-z0-9][a-z0-9._-]{2,63}$/;
const USER = /^[A-Za-z0-9._@+=:/-]{1,128}$/;
const ROLES = ["owner", "admin", "member", "viewer"];

export interface BadLine { line: number; message: string }

/** The members of a list, each with the number of its line, and the lines that cannot be used. */
export interface ClassList {
  members: { line: number; member: Schemas["NewMember"] }[];
  bad: BadLine[];
}

interface Record { line: number; fields: string[]; open: boolean }

export function parse(list: string): ClassList {
  const found: ClassList = { members: [], bad: [] };
  // Spreadsheets begin UTF-8 files with a byte order mark.
  const records = recordsOf(list.replace(/^\uFEFF/, ""));
  const heads = records[0]?.fields.map((head) => head.toLowerCase()) ?? [];
  const at = { user: heads.indexOf("user"), role: heads.indexOf("role"), group: heads.indexOf("group") };
  const isCsv = at.user >= 0;
  for (const record of isCsv ? records.slice(1) : plain(list)) {
    const { line, fields } = record;
    const field = (column: number) => (isCsv ? (fields[column] ?? "") : "");
    const [user, role, group] = [isCsv ? field(at.user) : (fields[0] ?? ""), field(at.role), field(at.group)];
    const message = wrong(record, isCsv ? heads.length : 1) ?? unusable(user, role, group) ?? (found.members.length >= MOST ? words.tooMany(MOST) : undefined);
    if (message) found.bad.push({ line, message });
    else found.members.push({ line, member: { user, role: (role || null) as Schemas["ProjectRole"] | null, group: group || null } });
  }
  return found;
}

function wrong({ fields, open }: Record, columns: number): string | undefined {
  if (open) return words.badQuote;
  return fields.length === columns ? undefined : words.badColumns;
}

function unusable(user: string, role: string, group: string): string | undefined {
  if (!USER.test(user)) return words.badUser(user);
  if (role && !ROLES.includes(role)) return words.badRole(role);
  return group && !GROUP.test(group) ? words.badGroup(group) : undefined;
}

/** A list without names of columns. */
function plain(list: string): Record[] {
  const lines = list.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/);
  return lines.map((one, at) => ({ line: at + 1, fields: [one.trim()], open: false })).filter(({ fields }) => fields[0]);
}

/** The separator is the one that the first line has: spreadsheets use semicolons where the comma is a decimal separator. */
function separatorOf(list: string): string {
  const first = list.split(/[\r\n]/, 1)[0] ?? "";
  return [",", ";", "\t"].find((one) => first.includes(one)) ?? ",";
}

/** The records of a CSV file; a field in quotation marks may have separators and line breaks. Empty lines are none. */
function recordsOf(list: string): Record[] {
  const separator = separatorOf(list);
  const records: Record[] = [];
  let line = 1;
  let rest = list;
  while (rest) {
    const record: Record = { line, fields: [], open: false };
    for (;;) {
      const { value, raw, open } = fieldOf(rest, separator);
      record.fields.push(value);
      record.open ||= open;
      rest = rest.slice(raw.length);
      line += raw.split("\n").length - 1;
      if (!rest.startsWith(separator)) break;
      rest = rest.slice(1);
    }
    const end = /^(\r\n|\n|\r)/.exec(rest)?.[0] ?? "";
    if (end.includes("\n")) line += 1;
    rest = rest.slice(end.length);
    if (record.fields.length > 1 || record.fields[0] || record.open) records.push(record);
  }
  return records;
}

/** The field with which a text begins, and how it is written. */
function fieldOf(rest: string, separator: string): { value: string; raw: string; open: boolean } {
  const quoted = /^"((?:[^"]|"")*)"/.exec(rest);
  const after = rest.slice(quoted?.[0].length ?? 0);
  const end = after.search(new RegExp(`[${separator}\r\n]`));
  const tail = end < 0 ? after : after.slice(0, end);
  const value = (quoted?.[1]?.replaceAll('""', '"') ?? "") + tail;
  return { value: value.trim(), raw: (quoted?.[0] ?? "") + tail, open: !quoted && tail.startsWith('"') };
}
