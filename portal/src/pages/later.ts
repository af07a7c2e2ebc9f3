// The pages that a visit rarely begins with: a file of their own, so that the first page is there sooner.
export { Audit } from "./audit";
export { Join } from "./join";
export { Keys } from "./keys";
export { Notices } from "./notices";
export { OneSave } from "./one-save";
export { Project } from "./project";
export { Projects } from "./projects";
export { Schedules } from "./schedules";
export { ScheduleOne } from "./schedules/one";
export { Template } from "./template";
