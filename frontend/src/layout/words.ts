import type { Lang } from "../locale/lang";

export interface Words {
  skip: string;
  flights: string;
  orders: string;
  control: string;
  nav: string;
  language: string;
  langs: Readonly<Record<Lang, string>>;
  toDark: string;
  toLight: string;
  foot: string;
  lost: string;
  lostHint: string;
}

const LANGS = { en: "English", ru: "Русский" };

export const WORDS: Readonly<Record<Lang, Words>> = {
  en: {
    skip: "Skip to the content",
    flights: "Flights",
    orders: "My orders",
    control: "Control room",
    nav: "Views",
    language: "Language",
    langs: LANGS,
    toDark: "Dark theme",
    toLight: "Light theme",
    foot: "A demo: no real flights, no real money.",
    lost: "There is no such page",
    lostHint: "To the flights",
  },
  ru: {
    skip: "К содержанию",
    flights: "Рейсы",
    orders: "Мои заказы",
    control: "Диспетчерская",
    nav: "Разделы",
    language: "Язык",
    langs: LANGS,
    toDark: "Тёмная тема",
    toLight: "Светлая тема",
    foot: "Это демонстрация: ни рейсы, ни деньги не настоящие.",
    lost: "Такой страницы нет",
    lostHint: "К рейсам",
  },
};
