const plural = new Intl.PluralRules("en");

/** Return "1 day" or "12 days". `shown` is the formatted `value`. */
export function pluralize(shown: string, value: number, one: string, other: string): string {
  return `${shown} ${plural.select(value) === "one" ? one : other}`;
}

export const common = {
  product: "Perdure",
  skip: "Skip to content",
  navigation: "Main",
  menu: "Menu",
  account: (name: string) => `Account: ${name}`,
  signOut: "Sign out",
  readOnly: "read-only",
  retry: "Try again",
  reload: "Reload",
  cancel: "Cancel",
  close: "Close",
  pages: "Pages of customers",
  page: (page: string) => `Page ${page}`,
  pageOf: (page: string, pages: string) => `Page ${page} of ${pages}`,
  previous: "Previous",
  next: "Next",
  showMore: "Show more",
  none: "–",
  days: (shown: string, value: number) => pluralize(shown, value, "day", "days"),
  loading: "Loading…",
  loadFailed: "This section could not be loaded",
  serverUnreachable: "The server is not responding. Try again in a moment.",
  viewError: "Something went wrong on this page",
  viewErrorHint: "Reload the page to continue. Saved changes are not lost.",
  chunkError: "Part of this page could not be loaded",
  chunkErrorHint: "The page will reload as soon as the server responds.",
  notFound: "Page not found",
  notFoundHint: "The address may be mistyped, or the page no longer exists.",
  home: "Go to the action centre",
};

export const views = {
  actionCentre: "Action centre",
  appointments: "Appointments",
  customers: "Customers",
  problems: "Problems",
  analytics: "Analytics",
  stages: "Stages",
  signIn: "Sign in",
};

export const live = {
  live: "Live",
  liveHint: "Changes appear automatically",
  polling: "Every 15 seconds",
  pollingHint: "Live updates are unavailable. The page checks for changes every 15 seconds.",
  offline: "Offline",
  offlineBanner:
    "Connection lost. The data shown may be out of date and will be refreshed once the connection is back.",
};

export const signIn = {
  lead: "See where every customer stands and what to do next.",
  key: "Access key",
  keyHint: "You get your access key from the person who set up Perdure for your business.",
  adminHint: "For administrators: an access key is an API key. It starts with pk_.",
  keyMissing: "Enter your access key",
  submit: "Sign in",
  invalidKey: "This access key is not valid. Check for typing mistakes, or ask for a new key.",
  invalidLink:
    "This sign-in link has expired or has already been used. Sign in with your access key, or ask for a new link.",
  expired: "Your session has expired. Sign in to continue where you left off.",
  unreachable: "The server is not responding",
};
