// Class lists are read as the command line reads them (cli/src/commands/project/member/class.rs), or as plain names.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { parse, MOST } = await load("src/pages/project/class-list.ts");
const users = ({ members }) => members.map(({ line, member }) => [line, member.user]);
const badLines = ({ bad }) => bad.map(({ line }) => line);

test("a file of a spreadsheet is read", () => {
  const list = parse('\u{feff}Name;User;Group;Role\r\n"Lovelace; Ada";ada@uni.edu;lab1;\r\n\r\nBen; ben ;;viewer\r\n');
  assert.deepEqual(users(list), [[2, "ada@uni.edu"], [4, "ben"]]);
  assert.deepEqual(list.members.map(({ member: { role, group } }) => [role, group]), [[null, "lab1"], ["viewer", null]]);
  assert.deepEqual(list.bad, []);
  assert.deepEqual(users(parse("user\nada\n")), [[2, "ada"]]);
  assert.deepEqual(users(parse("role\tuser\nmember\tada")), [[2, "ada"]]);
});

test("each bad line is named with its number", () => {
  const list = parse("user,role,group\nada,,\na b,,\nben,boss,\ncy,,UP\n,,\nx,y\n\ufffd,,\ndan,member,lab1\n");
  assert.deepEqual(users(list), [[2, "ada"], [9, "dan"]]);
  assert.deepEqual(badLines(list), [3, 4, 5, 6, 7, 8]);
  assert.match(list.bad[1].message, /"boss" is no role/);
});

test("a field in quotation marks may have separators, quotation marks and line breaks", () => {
  const list = parse('note,user\n"a ""b"", c\nd",ada\nplain,ben\n"open,cy\n');
  assert.deepEqual(users(list), [[2, "ada"], [4, "ben"]]);
  assert.deepEqual(badLines(list), [5]);
  assert.match(parse('user\n"a ""b"""').bad[0].message, /"a "b"" is no user name/);
});

test("a list without the column has a name on each line", () => {
  const list = parse("ada\r\n\r\n  ben@uni.edu \nchen, dan\n");
  assert.deepEqual(users(list), [[1, "ada"], [3, "ben@uni.edu"]]);
  assert.deepEqual(badLines(list), [4]);
  assert.deepEqual(parse(""), { members: [], bad: [] });
  assert.deepEqual(parse(" \n\n"), { members: [], bad: [] });
});

test("no more members are taken than a request may have", () => {
  const list = parse(["user", ...Array.from({ length: MOST + 2 }, (_, at) => `u${at}`)].join("\n"));
  assert.equal(list.members.length, MOST);
  assert.deepEqual(badLines(list), [MOST + 2, MOST + 3]);
});
