// The text fields of the API, as docs/openapi.json describes them, and what an attacker or an accident puts into them.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const API = JSON.parse(readFileSync(join(HERE, "../../../docs/openapi.json"), "utf8"));

/** Markup, what breaks out of an attribute of either kind, a URL with a script, and characters that turn or hide. */
export const HOSTILE = [
  "javascript:globalThis.ran=1//",
  `"><img src=x onerror=globalThis.ran=1>`,
  "'onmouseover='globalThis.ran=1",
  "</a><svg onload=globalThis.ran=1>",
  "\u202egnp.exe",
  "zero\u200b\u200d\u2060width",
].join(" ");
/** All of it, at 2,000 characters. */
export const LONG = HOSTILE.repeat(20).slice(0, 2000);

const named = ({ $ref }) => API.components.schemas[$ref.split("/").at(-1)];
/** The schemas that a value may have: references and choices resolved. */
function choices(schema) {
  if (schema.$ref) return choices(named(schema));
  const parts = schema.oneOf ?? schema.anyOf ?? schema.allOf;
  return parts ? [...parts.flatMap(choices), schema] : [schema];
}
const isText = (one) => [one.type].flat().includes("string") && !one.enum && one.const === undefined && one.format !== "date-time";

/** The fields that hold a text, as paths; `free` leaves out those whose form is prescribed. */
function textsOf(schema, { free = false } = {}, path = [], above = []) {
  if (above.includes(schema.$ref)) return [];
  const within = [...above, schema.$ref].filter(Boolean);
  return choices(schema).flatMap((one) => [
    ...(isText(one) && !(free && one.pattern) ? [path] : []),
    ...Object.entries(one.properties ?? {}).flatMap(([name, inner]) => textsOf(inner, { free }, [...path, name], within)),
    ...(one.items ? textsOf(one.items, { free }, [...path, "[]"], within) : []),
    ...(one.additionalProperties?.type || one.additionalProperties?.$ref ? textsOf(one.additionalProperties, { free }, [...path, "{}"], within) : []),
  ]);
}

/** Each operation that takes a body, with the free texts of it. */
export const WRITABLE = Object.entries(API.paths).flatMap(([path, operations]) => Object.entries(operations)
  .filter(([, { requestBody }]) => requestBody?.content["application/json"])
  .map(([method, { requestBody }]) => ({
    operation: `${method.toUpperCase()} ${path}`,
    fields: [...new Set(textsOf(requestBody.content["application/json"].schema, { free: true }).map((field) => field.join(".")))],
  })))
  .filter(({ fields }) => fields.length > 0);

/** A body with a text in one of its fields. */
export function withText(body, field, text) {
  const [name, ...rest] = field.split(".");
  if (name === undefined || field === "") return text;
  if (name === "[]") return [withText(undefined, rest.join("."), text)];
  if (name === "{}") return { hostile: withText(undefined, rest.join("."), text) };
  return { ...body, [name]: withText(body?.[name], rest.join("."), text) };
}

const answers = Object.entries(API.paths).flatMap(([path, operations]) => Object.entries(operations).map(([method, { responses }]) => ({
  method: method.toUpperCase(),
  path: new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`),
  schema: Object.entries(responses).find(([status]) => status.startsWith("2"))?.[1].content?.["application/json"]?.schema,
})));

/** The next page of a list is asked for with it: it is never shown. */
const NOT_SHOWN = "cursor";

/** An answer of the API whose texts are all this one. */
export function hostileAnswer(method, path, answer, text) {
  const found = answers.find((one) => one.method === method && one.path.test(path));
  return found?.schema ? replaced(found.schema, answer, text) : answer;
}
function replaced(schema, value, text) {
  const all = choices(schema);
  if (typeof value === "string") return all.some(isText) && !all.some((one) => one.enum?.includes(value)) ? text : value;
  if (Array.isArray(value)) return value.map((one) => replaced(all.find(({ items }) => items)?.items ?? {}, one, text));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => {
    if (name === NOT_SHOWN) return [name, inner];
    const known = all.map(({ properties }) => properties?.[name]).filter(Boolean);
    const more = all.map(({ additionalProperties }) => additionalProperties).filter((one) => typeof one === "object");
    const inside = known.length > 0 ? { anyOf: known } : more.length > 0 ? { anyOf: more } : {};
    return [name, replaced(inside, inner, text)];
  }));
}
