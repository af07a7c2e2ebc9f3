// What the pages of one template read.
import { all, api, ask, askAll, Problem, type Schemas } from "../../api/client";
import { useLive, type Live } from "../../api/live";

export type Template = Schemas["Template"];
export type Version = Schemas["Version"];
export type View = Schemas["TemplateView"];
export type Saved = Extract<View, { kind: "saved" }>;
export type Grant = Schemas["Grant"];

/** A template changes rarely, by people who are not in a hurry. */
const EVERY = 20_000;

export interface Whole {
  view: View;
  versions: Version[];
}

export function useTemplate(name: string): Live<Whole> {
  return useLive(`template:${name}`, async (signal) => {
    const params = { path: { name } };
    const view = await ask(api.GET("/v1/templates/{name}", { params, signal }));
    const versions = view.kind === "saved"
      ? await all((cursor) => api.GET("/v1/templates/{name}/versions", { params: { ...params, query: { cursor, limit: 100 } }, signal }))
      : [];
    return { view, versions };
  }, () => EVERY);
}

export interface Shares {
  /** With whom it is shared; absent if the reader may not see it. */
  grants?: Grant[];
}

/** Only the owner and the managers of the project see the shares: who may see them may also change them. */
export function useShares(name: string, saved: boolean): Live<Shares> {
  return useLive(`shares:${name}:${saved}`, async (signal) => {
    if (!saved) return {};
    try {
      return { grants: await all((cursor) => api.GET("/v1/templates/{name}/shares", { params: { path: { name }, query: { cursor, limit: 100 } }, signal })) };
    } catch (error) {
      if (error instanceof Problem && error.code === "NotAllowed") return {};
      throw error;
    }
  }, () => EVERY);
}

/** A template or a version as it is now, with the header that lets a change pass only while it is so. */
export async function asItIs(name: string, version?: number) {
  const { data, response } = version === undefined
    ? await askAll(api.GET("/v1/templates/{name}", { params: { path: { name } } }))
    : await askAll(api.GET("/v1/templates/{name}/versions/{version}", { params: { path: { name, version } } }));
  return { view: data as Saved, header: { "If-Match": response.headers.get("etag") ?? "*" } };
}

/** What the reader may do with a template, as docs/access.md has it: whoever manages its project does not delete it, unless as an owner. */
export interface Rights {
  manages: boolean;
  deletes: boolean;
}

export const live = (version: Version) => (version.state ?? "active") !== "deleted";

/** What changed in a version, in the words of who saved it. */
export const note = (version: Version) => version.notes || version.description;
