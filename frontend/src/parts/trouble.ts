import type { Texts } from "../locale/lang";

type Told = readonly [string, string];
const told = (title: string, advice: string): Told => [title, advice];

const en = {
  theApiSays: "The API says:",
  again: "Try again",
  unreachable: told("The API does not answer.", "It may be starting again. The page keeps trying."),
  failed: told("The service failed.", "The failure was recorded. Try again in a moment."),
  bug: told("The page made a mistake.", "Reload it; nothing that you bought is lost."),
  elseWhat: "Nothing was changed.",
  codes: {
    sold_out: told("Not enough seats are left.", "Nothing was bought. Take fewer seats or another flight."),
    price_changed: told(
      "The price has changed.",
      "Nothing was bought. The new price is shown; pay again if it suits you.",
    ),
    flight_departed: told("This flight has left.", "Nothing was bought. Choose a later one."),
    flight_unknown: told("This flight is no longer there.", "Nothing was bought. Search again."),
    flight_not_found: told("This flight is no longer there.", "Search again."),
    order_not_found: told(
      "There is no such order of yours.",
      "Orders belong to who bought them: look into “My orders”.",
    ),
    not_found: told("There is no such order of yours.", "Check the address."),
    illegal_move: told("The order is too far for that by now.", "Its present state is shown on this page."),
    busy: told("Too many buyers at once.", "Nothing was bought yet. Try again in a moment."),
    demo_auth_off: told("This installation makes no demo tokens.", "Its operator has to provide a login."),
    idempotency_key_in_use: told(
      "This purchase is still being handled.",
      "Try again in a moment: you will not pay twice.",
    ),
    airports_equal: told("From and to are the same city.", "Choose another one."),
    audit_running: told("An audit is running already.", "Ask again when it has ended."),
    audit_too_long: told("There is too much to audit from here.", "Run `ordersys audit` instead."),
    chaos_forbidden: told("This is production.", "Faults cannot be switched on here."),
    load_forbidden: told("No load can be made here.", "It is refused in production and without demo tokens."),
    load_running: told("A load is running already.", "Stop it or wait for its end."),
    letter_not_found: told("There is no such dead letter.", "It may have been pruned; look at the list again."),
    letter_replayed: told("It was replayed already.", "Its message is on its way."),
    letter_unreadable: told("Its bytes do not tell which event it is.", "It can only be discarded."),
  },
};

const ru: typeof en = {
  theApiSays: "Ответ API:",
  again: "Повторить",
  unreachable: told("API не отвечает.", "Возможно, он перезапускается. Страница продолжает пробовать."),
  failed: told("Сбой сервиса.", "Он записан. Попробуйте ещё раз чуть позже."),
  bug: told("Ошибка на странице.", "Перезагрузите её: купленное не пропадёт."),
  elseWhat: "Ничего не изменилось.",
  codes: {
    sold_out: told("Столько мест уже нет.", "Ничего не куплено. Возьмите меньше мест или другой рейс."),
    price_changed: told("Цена изменилась.", "Ничего не куплено. Показана новая цена: оплатите, если она подходит."),
    flight_departed: told("Этот рейс уже улетел.", "Ничего не куплено. Выберите рейс позже."),
    flight_unknown: told("Этого рейса больше нет.", "Ничего не куплено. Поищите снова."),
    flight_not_found: told("Этого рейса больше нет.", "Поищите снова."),
    order_not_found: told(
      "У вас нет такого заказа.",
      "Заказ видит только тот, кто его сделал: загляните в «Мои заказы».",
    ),
    not_found: told("У вас нет такого заказа.", "Проверьте адрес."),
    illegal_move: told("Для этого заказ уже зашёл слишком далеко.", "Его нынешнее состояние — на этой странице."),
    busy: told("Слишком много покупателей сразу.", "Пока ничего не куплено. Попробуйте чуть позже."),
    demo_auth_off: told("Здесь не выдают демонстрационных токенов.", "Вход должен настроить оператор."),
    idempotency_key_in_use: told("Эта покупка ещё выполняется.", "Попробуйте чуть позже: дважды вы не заплатите."),
    airports_equal: told("Откуда и куда — один и тот же город.", "Выберите другой."),
    audit_running: told("Аудит уже идёт.", "Запустите снова, когда он закончится."),
    audit_too_long: told("Для проверки отсюда данных слишком много.", "Запустите `ordersys audit`."),
    chaos_forbidden: told("Это рабочая система.", "Сбои здесь не включаются."),
    load_forbidden: told(
      "Нагрузку здесь не создать.",
      "Она запрещена в рабочей системе и без демонстрационных токенов.",
    ),
    load_running: told("Нагрузка уже идёт.", "Остановите её или дождитесь конца."),
    letter_not_found: told("Такого dead letter нет.", "Возможно, он уже удалён; посмотрите список снова."),
    letter_replayed: told("Он уже повторён.", "Сообщение в пути."),
    letter_unreadable: told("По его байтам не понять, что это за событие.", "Его можно только отбросить."),
  },
};

export const TEXTS: Texts<typeof en> = { en, ru };
