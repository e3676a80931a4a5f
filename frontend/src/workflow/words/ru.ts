import type { Box, BoxId, Fact, State } from "../graph";
import type { Delivery } from "../traces";
import type { Call } from "../payments";
import type { Scene } from "../scene";
import type { ExplanationText, Words } from "./en";
import { plural } from "../../locale/format";
import { HANDLED, WRITTEN } from "./ru.steps";
import { clock, until } from "./format";

type Scenes = { [K in Scene["id"]]: (scene: Extract<Scene, { id: K }>) => ExplanationText };

const EVENTS: Readonly<Record<string, string>> = {
  OrderCreated: "заказ оформлен",
  PaymentAuthorized: "деньги заблокированы",
  PaymentDeclined: "платёж отклонён",
  TicketIssued: "билеты выписаны",
  TicketRejected: "авиакомпания отказала в билетах",
  OrderCancelled: "заказ отменён",
  RefundRequested: "запрошен возврат",
  TicketVoided: "билеты аннулированы",
  PaymentVoided: "блокировка денег снята",
  PaymentRefunded: "деньги возвращены",
};

const ATTEMPTS = ["попытка", "попытки", "попыток"] as const;
const attempts = (count: number) => plural(count, "ru", ATTEMPTS);

const CALL_NAMES: Readonly<Record<Call, string>> = {
  authorize: "заблокировать деньги",
  capture: "списать заблокированные деньги",
  release: "вернуть деньги",
};

const BOX_NAMES: Readonly<Record<BoxId, string>> = {
  api: "API",
  outbox: "Outbox",
  worker: "Воркер",
  kafka: "Kafka",
  payment: "payment-service",
  gateway: "Платёжный шлюз",
  ticket: "ticket-service",
  order: "order-service",
};

const AWAITED_WHY: Readonly<Record<string, string>> = {
  "payment-service":
    "Сначала он отметит сообщение в своём inbox. Если Kafka доставит копию, отметка уже будет и ничего не изменится.",
  "ticket-service":
    "Билеты записываются той же транзакцией, что и отметка в inbox, поэтому из-за копий лишних билетов не будет.",
  "order-service": "Он изменит статус заказа той же транзакцией, которой сделает отметку в inbox.",
};

const ENDINGS: Readonly<Record<Extract<Scene, { id: "cancelled" }>["ending"], ExplanationText>> = {
  declined: {
    title: "Отменён: платёж отклонён",
    what: "Шлюз отклонил платёж, поэтому заказ отменён, а места снова свободны. С вас ничего не списали.",
    why: "Каждый сервис выполнил свою часть, получив сообщение. Координатор не понадобился, и ничего не осталось незавершённым.",
  },
  rejected: {
    title: "Отменён: авиакомпания отказала в билетах",
    what: "Блокировка денег снята, места снова свободны. Билетов нет, с вас ничего не списали.",
    why: "Это компенсация: каждый выполненный шаг саги отменён отдельным шагом.",
  },
  customer: {
    title: "Отменён по запросу",
    what: "Места свободны, действующих билетов нет, деньги не заблокированы.",
    why: "Вся незавершённая работа отменена, даже если её результат пришёл позже отмены.",
  },
  deadline: {
    title: "Отменён: истекло время ожидания",
    what: "Заказ не завершился вовремя, и его отменил таймер воркера. Места, билеты и деньги освобождены.",
    why: "Заказ не должен ждать ответа бесконечно. Крайний срок — последняя страховка каждой саги.",
  },
  voided: {
    title: "Отменён: платёж аннулирован",
    what: "Блокировка денег снята, места снова свободны, билетов нет.",
    why: "Без оплаты заказ завершить нельзя.",
  },
};

const SCENES: Scenes = {
  written: ({ event }) => ({
    title: `Записано в outbox: ${EVENTS[event] ?? event}`,
    ...(WRITTEN[event] ?? { what: `${event} записано в outbox.`, why: "" }),
  }),
  published: ({ event, attempts: count, topic, partition, offset }) => ({
    title: `Воркер отправил ${event} в Kafka`,
    what:
      `Kafka подтвердила приём: топик ${topic}, партиция ${partition}, смещение ${offset}. Строка перенесена из outbox в архив.` +
      (count > 1 ? ` Понадобилось: ${attempts(count)}; всё это время строка была в сохранности.` : ""),
    why:
      count > 1
        ? "Строка покидает outbox только после подтверждения Kafka. Если сообщение теряется по пути, оно отправляется снова."
        : "Строка покидает outbox только после подтверждения Kafka. Все сообщения одного заказа попадают в одну партицию, поэтому их порядок сохраняется.",
  }),
  handled: ({ event, consumer, attempts: count, moved }) => {
    const text = HANDLED[`${consumer} ${event}`] ?? { what: `${consumer} обработал ${event}.`, why: "" };
    const again = count > 1 ? ` Понадобилось: ${attempts(count)}.` : "";
    const still = consumer === "order-service" && !moved ? " У заказа уже был этот статус, ничего не изменилось." : "";
    return { title: `${consumer} обработал ${event}`, what: text.what + again + still, why: text.why };
  },
  dead: ({ event, consumer, attempts: count, error }) => ({
    title: `${consumer} не смог обработать ${event ?? "сообщение"}`,
    what: `Сделано: ${attempts(count)}. Сообщение попало в недоставленные (dead letters). Последняя ошибка: ${error}`,
    why: "Сообщение, которое раз за разом не обрабатывается, не должно задерживать остальные. Оно хранится полностью: когда причина устранена, оператор отправляет его на повтор, и работа над заказом продолжается.",
  }),
  publish: ({ event, attempts: count, error }) =>
    count === 0
      ? {
          title: `${event} ждёт в outbox`,
          what: "Сообщение надёжно сохранено в базе. Через несколько миллисекунд воркер отправит его в Kafka.",
          why: "Заказ и сообщение записаны одной транзакцией, поэтому сообщение не пропадёт, даже если сейчас упадут все процессы.",
        }
      : {
          title: `${event} ещё не дошло до Kafka`,
          what: `Подтверждения нет${error ? ` (${error})` : ""}, сделано: ${attempts(count)}. Воркер повторит отправку автоматически.`,
          why: "Ничего не потеряно: строка остаётся в outbox, пока Kafka не подтвердит приём. Следующие сообщения этого заказа ждут, чтобы сохранить порядок, а остальные заказы не задерживаются.",
        },
  parked: ({ event, error }) => ({
    title: `Отправка ${event} приостановлена`,
    what: `Kafka не может принять это сообщение (${error}). Оно остаётся в outbox и больше не отправляется.`,
    why: "Повторять бесполезно. Оператор устранит причину и возобновит отправку; до тех пор следующие сообщения этого заказа ждут.",
  }),
  awaited: ({ event, consumer, place }) => ({
    title: `${event} в Kafka, на очереди ${consumer}`,
    what: `Позиция сообщения: ${place}. ${consumer} его ещё не обработал.`,
    why: AWAITED_WHY[consumer] ?? "",
  }),
  retry: ({ event, consumer, attempts: count, error }) => ({
    title: `${consumer} повторяет обработку ${event}`,
    what: `Сделано: ${attempts(count)}. ${error}`,
    why: "Сообщение ждёт в очереди повторов и не задерживает другие заказы. Паузы растут: 1, 2, 4, 8 секунд. После пятой попытки оно попадает в недоставленные.",
  }),
  call: ({ call, attempts: count, error }) =>
    count <= 1 && !error
      ? {
          title: `Запрос к шлюзу: ${CALL_NAMES[call]}`,
          what: "payment-service ждёт ответа. Открытых транзакций нет, другие сообщения не задерживаются.",
          why: "Ключ запроса — номер заказа. Если ответ потеряется, на повторный запрос с тем же ключом придёт тот же ответ, и второго списания не будет.",
        }
      : {
          title: `Повторный запрос к шлюзу: ${CALL_NAMES[call]}`,
          what: `Сделано: ${attempts(count)}${error ? ` (${error})` : ""}. Запрос повторится автоматически.`,
          why: "Возможно, шлюз всё выполнил и потерялся только ответ. С тем же ключом повторять запрос безопасно.",
        },
  nothing: () => ({
    title: "Ожидание следующего сообщения",
    what: "Все сообщения этого заказа обработаны, новых в пути нет.",
    why: "Если сообщение не придёт, заказ завершится по крайнему сроку.",
  }),
  completed: ({ captured }) => ({
    title: "Готово: билеты ваши",
    what: captured
      ? "Билеты выписаны, деньги списаны. Больше делать нечего."
      : "Билеты выписаны. Деньги заблокированы и сейчас списываются.",
    why: "Сервисы не вызывали друг друга. Каждый одной транзакцией записывал свой результат и сообщение, воркер отправлял сообщение, и следующий сервис продолжал работу: это и есть сага с outbox.",
  }),
  cancelled: ({ ending, reason }) => {
    const text = ENDINGS[ending];
    return { ...text, what: ending !== "deadline" && reason ? `${text.what} (${reason})` : text.what };
  },
  refunded: () => ({
    title: "Возврат завершён: билеты аннулированы, деньги возвращены",
    what: "Билеты аннулированы, деньги возвращены, места снова свободны.",
    why: "Возврат — отдельная маленькая сага: сначала билеты, затем деньги. О каждом шаге сообщает событие.",
  }),
};

const STATE_NAMES: Readonly<Record<State, string>> = {
  idle: "ожидает",
  done: "готово",
  active: "работает",
  failing: "повторяет",
  stuck: "нужна помощь",
};

const PAYMENT_NAMES: Readonly<Record<string, string>> = {
  REQUESTED: "запрос на блокировку",
  AUTHORIZED: "деньги заблокированы",
  DECLINED: "отклонён",
  CAPTURING: "списание",
  CAPTURED: "деньги списаны",
  VOIDING: "снятие блокировки",
  VOIDED: "блокировка снята",
  REFUNDING: "возврат денег",
  REFUNDED: "деньги возвращены",
};

const CALLS_SHORT: Readonly<Record<Call, string>> = {
  authorize: "блокировка",
  capture: "списание",
  release: "возврат",
};

function fact(one: Fact, now: number): string {
  switch (one.kind) {
    case "accepted":
      return `заказ принят ${clock(one.at, "ru")}`;
    case "requested":
      return `${one.event} ${clock(one.at, "ru")}`;
    case "rows":
      return `ждёт ${one.waiting}, отправлено ${one.published}`;
    case "row":
      return `строка ${one.id}: ${one.event}`;
    case "tried":
      return `${one.event}, ${attempts(one.attempts)}`;
    case "parked":
      return `строка ${one.id} приостановлена: ${one.error}`;
    case "next": {
      const left = until(one.at, now, "ru");
      return left ? `попытка через ${left}` : "попытка сейчас";
    }
    case "error":
      return one.error;
    case "sent":
      return `${plural(one.events, "ru", ["сообщение", "сообщения", "сообщений"])}, ${attempts(one.attempts)}`;
    case "nothing_sent":
      return "ещё ничего не отправил";
    case "topic":
      return `${one.topic.topic} [${one.topic.partition}] @${one.topic.offset}`;
    case "topic_empty":
      return `${one.stream}: пока пусто`;
    case "mark":
      return mark(one.event, one.delivery);
    case "nothing_yet":
      return "пока нечего делать";
    case "payment":
      return `${PAYMENT_NAMES[one.status] ?? one.status}${one.reason ? `: ${one.reason}` : ""}`;
    case "call":
      return `${CALLS_SHORT[one.call]}: попытка ${one.attempts}`;
    case "authorization":
      return `auth …${one.id.slice(-12)}`;
    case "tickets":
      return (one.valid ? `действуют ${one.valid}` : `аннулировано ${one.void}`) + `: ${one.seats.join(", ")}`;
    case "order":
      return one.status;
  }
}

function mark(event: string, one: Delivery): string {
  const tries = one.attempts > 1 ? `, ${attempts(one.attempts)}` : "";
  switch (one.state) {
    case "handled":
      return `✓ ${event}${tries}`;
    case "retrying":
      return `↻ ${event}${tries}`;
    case "dead":
      return `✗ ${event}: не доставлено`;
    case "discarded":
      return `✗ ${event}: отклонено`;
    case "forgotten":
      return `${event}: уже не хранится`;
    default:
      return `… ${event}`;
  }
}

export const ru: Words = {
  lang: "ru",
  boxes: BOX_NAMES,
  states: STATE_NAMES,
  scene: (scene: Scene): ExplanationText => (SCENES[scene.id] as (one: Scene) => ExplanationText)(scene),
  fact,
  boxLine: (box: Box) => `${BOX_NAMES[box.id]}: ${STATE_NAMES[box.state]}${box.way === "back" ? ", компенсация" : ""}`,
  glossary: {
    api: "Принимает ваш запрос. Одной транзакцией записывает заказ и сообщение о нём, затем отвечает. Другие сервисы не вызывает.",
    outbox:
      "Таблица в той же базе, что и заказы. Сообщение — это строка в ней, поэтому оно есть тогда и только тогда, когда есть само изменение.",
    worker:
      "Отправляет строки outbox в Kafka. Удаляет строку только после подтверждения Kafka, а до этого повторяет отправку.",
    kafka:
      "Журнал всех сообщений, разделённый на топики. Каждый сервис читает в своём темпе, а после простоя продолжает с того же места.",
    payment:
      "Обращается к платёжному шлюзу, чтобы заблокировать, списать или вернуть деньги. В его inbox отмечено, что уже обработано.",
    gateway: "Сторона банка; здесь это симулятор. Знает каждый заказ по ключу и на повторный запрос даёт тот же ответ.",
    ticket: "Получает у авиакомпании билеты и кресла или аннулирует их.",
    order: "Меняет статус заказа по сообщениям и освобождает места, если заказ завершился без билетов.",
  },
  ui: {
    graphTitle: "Сага этого заказа",
    boxList: "Список узлов",
    legend: "Обозначения",
    forward: "вперёд",
    back: "компенсация",
    now: "Что происходит и почему",
    why: "Почему так",
    at: "Шаг {n} из {all}",
    waitsFor: "Чего ждёт заказ",
    forNothing: "Ничего: заказ завершён.",
    movesBy: "Продолжится или завершится автоматически",
    inTime: (left: string) => `не позже чем через ${left}`,
    anyMoment: "с минуты на минуту",
    command: "Команда для оператора",
    copy: "Скопировать",
    copied: "Скопировано",
    openDeadLetter: "Открыть недоставленное сообщение в диспетчерской",
    timeline: "Ход событий",
    timelineHint: "Выберите шаг, чтобы увидеть схему в тот момент.",
    inOutbox: "в outbox",
    inKafka: "в Kafka, до обработки",
    since: (text: string) => `+${text}`,
    first: "К первому шагу",
    previous: "Предыдущий шаг",
    next: "Следующий шаг",
    latest: "Сейчас",
    play: "Воспроизвести медленно",
    pause: "Пауза",
    because: (event: string) => `причина: ${event}`,
    byRequest: "запрос к API",
    byTimer: "крайний срок",
    moved: (status: string) => `заказ → ${status}`,
    attempts,
    row: (id: number) => `строка outbox ${id}`,
    whatAreThese: "Что это за узлы?",
    retention: "Сообщения хранятся несколько дней. Более старые не показаны.",
    lost: "API не отвечает. Показано последнее известное состояние; обработка заказа продолжается и без этой страницы.",
    links: {
      opening: "Загружаем заказ…",
      live: "В реальном времени: изменения видны сразу.",
      polling: "Обновления в реальном времени прервались. Страница проверяет заказ раз в несколько секунд.",
      ended: "Завершено: по этому заказу больше ничего не выполняется.",
    },
  },
};
