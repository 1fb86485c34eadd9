const plural = new Intl.PluralRules("en");

/** "1 day", "12 days". */
export function counted(shown: string, value: number, one: string, many: string): string {
  return `${shown} ${plural.select(value) === "one" ? one : many}`;
}

export const common = {
  product: "Perdure",
  skip: "Skip to content",
  navigation: "Main",
  menu: "Menu",
  account: (name: string) => `Account: ${name}`,
  signOut: "Sign out",
  readOnly: "Read only",
  retry: "Try again",
  reload: "Reload",
  cancel: "Cancel",
  close: "Close",
  refresh: "Refresh",
  pages: "Pages of customers",
  page: (page: string) => `Page ${page}`,
  pageOf: (page: string, pages: string) => `Page ${page} of ${pages}`,
  previous: "Previous",
  next: "Next",
  showMore: "Show more",
  clear: "Clear",
  none: "–",
  days: (shown: string, value: number) => counted(shown, value, "day", "days"),
  loading: "Loading…",
  failed: "This could not be loaded",
  unanswered: "The server does not answer. It is tried again as soon as it does.",
  broken: "Something went wrong on this page",
  brokenHint: "The page can be loaded again; nothing that was saved is lost.",
  missing: "A piece of this page could not be loaded",
  missingHint: "The page is loaded again as soon as the server answers.",
  notFound: "There is no such page",
  notFoundHint: "The address may be mistyped, or what it led to is gone.",
  home: "To the action centre",
};

export const views = {
  actionCentre: "Action centre",
  customers: "Customers",
  analytics: "Analytics",
  stages: "Stages",
  signIn: "Sign in",
};

export const live = {
  live: "Live",
  liveHint: "Changes appear by themselves",
  polling: "Every 15 seconds",
  pollingHint: "The live stream cannot be reached; the page asks for changes every 15 seconds",
  lost: "Not connected",
  lostBanner:
    "The connection to the server is lost. What you see may be out of date; it is brought up to date when the connection is back.",
};

export const signIn = {
  lead: "See where every customer stands, and what to do next.",
  key: "API key",
  keyHint: "A key starts with pk_. `./run up` shows one; your administrator makes others.",
  keyMissing: "Enter a key",
  submit: "Sign in",
  refused: "This key is not valid. It may be mistyped or revoked.",
  linkRefused: "This sign-in link has been used or has expired. Sign in with a key, or ask for a new link.",
  expired: "Your session has expired. Sign in to go on where you were.",
  unreachable: "The server does not answer",
};
