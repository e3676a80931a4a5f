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
  notFound: string;
  notFoundHint: string;
}

const LANGS = { en: "English", ru: "Русский" };

export const WORDS: Readonly<Record<Lang, Words>> = {
  en: {
    skip: "Skip to content",
    flights: "Flights",
    orders: "My orders",
    control: "Control room",
    nav: "Main navigation",
    language: "Language",
    langs: LANGS,
    toDark: "Dark theme",
    toLight: "Light theme",
    foot: "This is a demo. Flights and payments are not real.",
    notFound: "Page not found",
    notFoundHint: "Go to flights",
  },
  ru: {
    skip: "Перейти к содержанию",
    flights: "Рейсы",
    orders: "Мои заказы",
    control: "Диспетчерская",
    nav: "Основные разделы",
    language: "Язык",
    langs: LANGS,
    toDark: "Тёмная тема",
    toLight: "Светлая тема",
    foot: "Это демоверсия. Рейсы и платежи ненастоящие.",
    notFound: "Страница не найдена",
    notFoundHint: "Перейти к рейсам",
  },
};
