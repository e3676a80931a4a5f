import { expect, test } from "vitest";

import { reasonWords, tone, reversalOf } from "./order";
import { TEXTS } from "./texts";

const STATUSES = ["CREATED", "PAYMENT_AUTHORIZED", "COMPLETED", "CANCELLED", "REFUND_PENDING", "REFUNDED"];

test.each([
  ["CREATED", "cancel"],
  ["PAYMENT_AUTHORIZED", "cancel"],
  ["COMPLETED", "refund"],
  ["CANCELLED", null],
  ["REFUND_PENDING", null],
  ["REFUNDED", null],
])("an order that is %s can be undone by: %s", (status, reversal) => {
  expect(reversalOf({ status })).toBe(reversal);
});

test("a reason of the system has its words, a reason of a customer stays as it is", () => {
  expect(reasonWords("payment_declined: card_declined", TEXTS.en.reasons)).toBe("the bank declined the payment");
  expect(reasonWords("deadline_passed", TEXTS.ru.reasons)).toMatch(/время ожидания/);
  expect(reasonWords("changed my mind: twice", TEXTS.ru.reasons)).toBe("changed my mind: twice");
});

test("every status has its words in both languages, and a tone", () => {
  for (const status of STATUSES) {
    expect(TEXTS.en.statuses[status]).toBeTruthy();
    expect(TEXTS.ru.statuses[status]).toMatch(/[а-я]/);
    expect(tone(status)).toBeTruthy();
  }
});

test.each(["VALID", "VOIDED"])("a ticket that is %s has its words in both languages", (status) => {
  expect(TEXTS.en.ticketStatus[status]).toBeTruthy();
  expect(TEXTS.ru.ticketStatus[status]).toMatch(/[а-я]/);
});
