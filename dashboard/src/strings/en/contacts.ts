/** Contacts that people make with customers. */
export const contacts = {
  outcomes: {
    reached: "Reached",
    no_answer: "No answer",
    booked: "Booked",
    declined: "Declined",
    do_not_contact: "Do not contact",
  },
  channels: { phone: "Phone", email: "E-mail", message: "Message", in_person: "In person" },
  title: (channel: string, outcome: string) => `${channel}: ${outcome}`,
  next: (when: string) => `Next call ${when}`,
  lifted: "Contact was allowed again",
  remove: "Remove",
  removeOf: (title: string) => `Remove contact: ${title}`,
  removeTitle: "Remove this contact?",
  removeText:
    "Use this for a mistake. Calls that it completed are open again, and a next call that it planned is cancelled. An appointment stays.",
  removed: "Contact removed",
  doNotContact: (day: string) => `Do not contact, since ${day}`,
  doNotContactHint: "This customer gets no messages and no calls, and is in no list of people to call.",
  allow: "Allow contact again",
  allowed: "This customer may be contacted again",
};
