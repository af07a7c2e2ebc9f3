import { all, api, askAll, type Schemas } from "../../api/client";

/** What a role may do, as docs/access.md has it. The API decides; the pages leave out what it would refuse. */
export interface Rights {
  manages: boolean;
  /** Appoints and removes owners and admins. */
  appoints: boolean;
  deletes: boolean;
  seesCosts: boolean;
}

export function rightsOf(role: Schemas["ProjectRole"]): Rights {
  const owner = role === "owner";
  return { manages: owner || role === "admin", appoints: owner, deletes: owner, seesCosts: role !== "viewer" };
}

export type Header = { "If-Match": string };

/** A project as it is now, with the header that lets a change pass only while it is so. */
export async function asItIs(name: string): Promise<{ project: Schemas["Project"]; header: Header }> {
  const { data, response } = await askAll(api.GET("/v1/projects/{name}", { params: { path: { name } } }));
  return { project: data.project, header: { "If-Match": response.headers.get("etag") ?? "*" } };
}

export const unchanged = async (name: string): Promise<Header> => (await asItIs(name)).header;

export const membersOf = (name: string, signal: AbortSignal) =>
  all<Schemas["Member"]>((cursor) => api.GET("/v1/projects/{name}/members", { params: { path: { name }, query: { cursor, limit: 100 } }, signal }));
