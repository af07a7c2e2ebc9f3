/** Whether a template may have this name. */
export const isTemplateName = (name: string) => /^[a-z0-9][a-z0-9._-]{2,63}$/.test(name);
