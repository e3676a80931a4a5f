import type { Texts } from "../locale/lang";

/** What went wrong, and what to do about it. */
export type ErrorText = readonly [title: string, advice: string];
const text = (title: string, advice: string): ErrorText => [title, advice];

const en = {
  theApiSays: "Response of the API:",
  again: "Try again",
  unreachable: text("The API is not responding.", "It may be restarting. The page keeps trying."),
  failed: text("A server error occurred.", "It has been logged. Try again in a moment."),
  bug: text("An error occurred on this page.", "Reload the page. Your purchases are safe."),
  otherAdvice: "Nothing was changed.",
  codes: {
    sold_out: text("Not enough seats are left.", "No order was placed. Choose fewer seats or another flight."),
    price_changed: text("The price has changed.", "No order was placed. Check the new price, then pay again."),
    flight_departed: text("This flight has departed.", "No order was placed. Choose a later flight."),
    flight_unknown: text("This flight is no longer available.", "No order was placed. Search again."),
    flight_not_found: text("This flight is no longer available.", "Search again."),
    order_not_found: text("Order not found.", "You can only see orders that you placed. Look in “My orders”."),
    not_found: text("Order not found.", "Check the address."),
    illegal_move: text("The order can no longer be changed in this way.", "This page shows its current status."),
    busy: text("The service is busy.", "Nothing was bought yet. Try again in a moment."),
    demo_auth_off: text("Demo sign-in is not available here.", "Contact the operator of this installation."),
    idempotency_key_in_use: text(
      "This purchase is still being processed.",
      "Try again in a moment. You will not pay twice.",
    ),
    airports_equal: text("Departure and destination are the same city.", "Choose another city."),
    audit_running: text("An audit is already running.", "Try again when it has finished."),
    audit_too_long: text("The audit takes too long to run from here.", "Run `ordersys audit` instead."),
    chaos_forbidden: text("This is a production system.", "Fault injection is not available."),
    load_forbidden: text("The load generator is not available.", "It needs demo tokens, and never runs in production."),
    load_running: text("A load is already running.", "Stop it, or wait until it ends."),
    letter_not_found: text("Dead letter not found.", "It may have been deleted. Check the list again."),
    letter_replayed: text("This dead letter was already replayed.", "Its message is on the way."),
    letter_unreadable: text("The event of this dead letter cannot be identified.", "You can only discard it."),
  },
};

const ru: typeof en = {
  theApiSays: "Ответ API:",
  again: "Повторить",
  unreachable: text("API не отвечает.", "Возможно, он перезапускается. Страница продолжает попытки."),
  failed: text("Ошибка на сервере.", "Она записана в журнал. Попробуйте ещё раз чуть позже."),
  bug: text("Ошибка на странице.", "Перезагрузите её: ваши покупки не пропадут."),
  otherAdvice: "Ничего не изменилось.",
  codes: {
    sold_out: text("Столько свободных мест нет.", "Заказ не оформлен. Выберите меньше мест или другой рейс."),
    price_changed: text("Цена изменилась.", "Заказ не оформлен. Проверьте новую цену и оплатите ещё раз."),
    flight_departed: text("Этот рейс уже вылетел.", "Заказ не оформлен. Выберите более поздний рейс."),
    flight_unknown: text("Этого рейса больше нет.", "Заказ не оформлен. Повторите поиск."),
    flight_not_found: text("Этого рейса больше нет.", "Повторите поиск."),
    order_not_found: text("Заказ не найден.", "Вам доступны только ваши заказы: они в разделе «Мои заказы»."),
    not_found: text("Заказ не найден.", "Проверьте адрес страницы."),
    illegal_move: text("Этого с заказом уже сделать нельзя.", "Его текущий статус показан на этой странице."),
    busy: text("Сервис перегружен.", "Пока ничего не куплено. Попробуйте чуть позже."),
    demo_auth_off: text("Демонстрационный вход здесь отключён.", "Обратитесь к оператору этой системы."),
    idempotency_key_in_use: text("Покупка ещё обрабатывается.", "Попробуйте чуть позже. Дважды вы не заплатите."),
    airports_equal: text("Города вылета и прилёта совпадают.", "Выберите другой город."),
    audit_running: text("Аудит уже идёт.", "Запустите его снова, когда он закончится."),
    audit_too_long: text("Отсюда аудит длится слишком долго.", "Запустите `ordersys audit`."),
    chaos_forbidden: text("Это рабочая система.", "Имитация сбоев недоступна."),
    load_forbidden: text(
      "Генератор нагрузки недоступен.",
      "Ему нужны демонстрационные токены, и в рабочей системе он не запускается.",
    ),
    load_running: text("Нагрузка уже запущена.", "Остановите её или дождитесь окончания."),
    letter_not_found: text(
      "Недоставленное сообщение не найдено.",
      "Возможно, оно уже удалено. Проверьте список ещё раз.",
    ),
    letter_replayed: text("Это сообщение уже отправлено на повтор.", "Оно в пути."),
    letter_unreadable: text("Не удаётся определить событие этого сообщения.", "Его можно только отклонить."),
  },
};

export const TEXTS: Texts<typeof en> = { en, ru };
