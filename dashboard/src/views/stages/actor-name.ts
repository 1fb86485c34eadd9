import { ruleStrings } from "../../strings/rules";

/** Return a readable name of who changed the rules: `key/3` is "access key 3". */
export function actorName(actor: string): string {
  const t = ruleStrings.ruleVersions.actors;
  const [, key] = /^key\/(\d+)$/.exec(actor) ?? [];
  if (key !== undefined) return t.key(key);
  return actor === "system" ? t.system : actor.startsWith("cli") ? t.cli : actor;
}
