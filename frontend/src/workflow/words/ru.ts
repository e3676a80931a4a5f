import type { Box, BoxId, Fact, State } from "../graph";
import type { Delivery } from "../hops";
import type { Call } from "../payments";
import type { Scene } from "../scene";
import type { Told, Words } from "./en";
import { plural } from "../../locale/format";
import { HANDLED, WRITTEN } from "./ru.steps";
import { clock, until } from "./format";

type Scenes = { [K in Scene["id"]]: (scene: Extract<Scene, { id: K }>) => Told };

const EVENTS: Readonly<Record<string, string>> = {
  OrderCreated: "заказ оформлен",
  PaymentAuthorized: "деньги удержаны",
  PaymentDeclined: "платёж отклонён",
  TicketIssued: "билеты выписаны",
  TicketRejected: "авиакомпания отказала",
  OrderCancelled: "заказ отменён",
  RefundRequested: "запрошен возврат",
  TicketVoided: "билеты аннулированы",
  PaymentVoided: "удержание снято",
  PaymentRefunded: "деньги возвращены",
};

const ATTEMPTS = ["попытка", "попытки", "попыток"] as const;
const attempts = (count: number) => plural(count, "ru", ATTEMPTS);

const CALL_NAMES: Readonly<Record<Call, string>> = {
  authorize: "удержать деньги",
  capture: "списать удержанное",
  release: "вернуть деньги",
};

const BOX_NAMES: Readonly<Record<BoxId, string>> = {
  api: "API",
  outbox: "Outbox",
  worker: "Worker",
  kafka: "Kafka",
  payment: "payment-service",
  gateway: "Платёжный шлюз",
  ticket: "ticket-service",
  order: "order-service",
};

const AWAITED_WHY: Readonly<Record<string, string>> = {
  "payment-service":
    "Сначала он отметит сообщение в своём inbox. Если Kafka доставит его дважды, вторая копия найдёт отметку и ничего не изменит.",
  "ticket-service":
    "Билеты записываются той же транзакцией, что и отметка в inbox, поэтому они появятся один раз, сколько бы ни пришло копий.",
  "order-service": "Он изменит состояние заказа той же транзакцией, что и отметку в inbox.",
};

const ENDINGS: Readonly<Record<Extract<Scene, { id: "cancelled" }>["ending"], Told>> = {
  declined: {
    title: "Отменён: платёж отклонён",
    what: "Шлюз не взял деньги, заказ закончился, места снова свободны. С вас ничего не списали.",
    why: "Каждый сервис сделал своё, когда до него дошло сообщение; координатор не понадобился, и ничего не брошено на полпути.",
  },
  rejected: {
    title: "Отменён: авиакомпания отказала в билетах",
    what: "Удержание снято, места снова свободны. Билетов у вас нет, и вы ничего не заплатили.",
    why: "Это обратный путь саги: каждый сделанный шаг отменён своим собственным шагом.",
  },
  customer: {
    title: "Отменён по просьбе",
    what: "Места свободны, действующих билетов нет, деньги не удерживаются.",
    why: "Всё, что оформлялось в момент отмены, отменено, даже если пришло позже неё.",
  },
  deadline: {
    title: "Отменён: слишком долго",
    what: "Ответ не пришёл вовремя, и заказ закончил таймер в worker. Места, билеты и деньги возвращены.",
    why: "Заказ не должен вечно ждать того, кто не ответит. Срок — последняя страховка каждой саги.",
  },
  voided: {
    title: "Отменён: от платежа отказались",
    what: "Удержание снято, места снова свободны, билетов нет.",
    why: "Заказ без денег завершить нельзя.",
  },
};

const SCENES: Scenes = {
  written: ({ event }) => ({
    title: `Записано в outbox: ${EVENTS[event] ?? event}`,
    ...(WRITTEN[event] ?? { what: `${event} записано в outbox.`, why: "" }),
  }),
  published: ({ event, attempts: count, topic, partition, offset }) => ({
    title: `Worker доставил ${event} в Kafka`,
    what:
      `Kafka подтвердила: топик ${topic}, партиция ${partition}, смещение ${offset}. Строка переехала из outbox в архив.` +
      (count > 1 ? ` Понадобилось: ${attempts(count)}; между ними строка лежала в сохранности.` : ""),
    why:
      count > 1
        ? "Строка покидает outbox, только когда Kafka её подтвердила. Поэтому потерянное по дороге сообщение просто отправляется снова."
        : "Строка покидает outbox только после подтверждения Kafka. Все сообщения одного заказа идут в одну партицию и потому не меняются местами.",
  }),
  handled: ({ event, consumer, attempts: count, moved }) => {
    const told = HANDLED[`${consumer} ${event}`] ?? { what: `${consumer} обработал ${event}.`, why: "" };
    const again = count > 1 ? ` Понадобилось: ${attempts(count)}.` : "";
    const still = consumer === "order-service" && !moved ? " Заказ уже был там, его состояние не изменилось." : "";
    return { title: `${consumer} обработал ${event}`, what: told.what + again + still, why: told.why };
  },
  dead: ({ event, consumer, attempts: count, error }) => ({
    title: `${consumer} не смог обработать ${event ?? "сообщение"}`,
    what: `Сделано: ${attempts(count)}, и сообщение отложено как dead letter. Последняя ошибка: ${error}`,
    why: "Сообщение, которое не удаётся снова и снова, не должно держать остальные. Оно хранится целиком; когда причина устранена, оператор запускает его заново, и заказ идёт дальше.",
  }),
  publish: ({ event, attempts: count, error }) =>
    count === 0
      ? {
          title: `${event} ждёт в outbox`,
          what: "Сообщение в сохранности, в базе. Через несколько миллисекунд worker возьмёт его и доставит в Kafka.",
          why: "Заказ и сообщение о нём записаны одной транзакцией, поэтому сообщение не пропадёт, даже если прямо сейчас упадут все процессы.",
        }
      : {
          title: `${event} пока не дошло до Kafka`,
          what: `Worker пробовал: ${attempts(count)}, подтверждения нет${error ? ` (${error})` : ""}. Он попробует ещё раз сам.`,
          why: "Ничего не потеряно: строка остаётся в outbox, пока Kafka не подтвердит. Следующие сообщения этого заказа ждут за ней, чтобы не нарушить порядок; остальные заказы идут своим ходом.",
        },
  parked: ({ event, error }) => ({
    title: `${event} отставлено`,
    what: `Kafka никогда не примет это сообщение в таком виде (${error}). Оно остаётся в outbox, но больше не отправляется.`,
    why: "Пробовать вечно бесполезно. Оператор устраняет причину и отпускает строку; до тех пор следующие сообщения этого заказа ждут.",
  }),
  awaited: ({ event, consumer, place }) => ({
    title: `${event} в Kafka, очередь за ${consumer}`,
    what: `Сообщение лежит в ${place}. ${consumer} его ещё не обработал.`,
    why: AWAITED_WHY[consumer] ?? "",
  }),
  retry: ({ event, consumer, attempts: count, error }) => ({
    title: `${consumer} пробует ${event} ещё раз`,
    what: `Сделано: ${attempts(count)}. ${error}`,
    why: "Неудавшееся сообщение отложено в сторону и не держит другие заказы. Паузы растут: 1, 2, 4, 8 секунд. После пятой попытки оно становится dead letter.",
  }),
  call: ({ call, attempts: count, error }) =>
    count <= 1 && !error
      ? {
          title: `Шлюз просят ${CALL_NAMES[call]}`,
          what: "payment-service ждёт его ответа. Ни одна транзакция не открыта, ни одно другое сообщение не стоит.",
          why: "Ключом вопроса служит номер заказа. Если ответ потеряется, на тот же вопрос с тем же ключом придёт тот же ответ, и дважды никто не заплатит.",
        }
      : {
          title: `Шлюз снова просят ${CALL_NAMES[call]}`,
          what: `Сделано: ${attempts(count)}${error ? ` (${error})` : ""}. Вопрос повторится сам.`,
          why: "Неизвестно, не сделал ли шлюз всё, потеряв только ответ. С тем же ключом переспрашивать безопасно.",
        },
  nothing: () => ({
    title: "Ждёт следующего сообщения",
    what: "Все сообщения этого заказа обработаны, новых в пути нет.",
    why: "Если ничего не придёт, заказ сам закончится по сроку.",
  }),
  completed: ({ captured }) => ({
    title: "Готово: билеты ваши",
    what: captured
      ? "Билеты выписаны, деньги списаны. Больше делать нечего."
      : "Билеты выписаны. Деньги удержаны и как раз списываются.",
    why: "Ни один сервис не звонил другому. Каждый записывал свой результат и сообщение одной транзакцией, worker доставлял сообщение, и следующий сервис шёл дальше: это и есть сага с outbox.",
  }),
  cancelled: ({ ending, reason }) => {
    const told = ENDINGS[ending];
    return { ...told, what: ending !== "deadline" && reason ? `${told.what} (${reason})` : told.what };
  },
  refunded: () => ({
    title: "Возвращён: билеты аннулированы, деньги вернулись",
    what: "Билеты аннулированы, деньги вернулись, места снова свободны.",
    why: "Возврат — сам по себе маленькая сага: сначала билеты, потом деньги, и о каждом шаге говорит сообщение.",
  }),
};

const STATE_NAMES: Readonly<Record<State, string>> = {
  idle: "пока не нужен",
  done: "готово",
  active: "работает",
  failing: "пробует снова",
  stuck: "нужна помощь",
};

const PAYMENT_NAMES: Readonly<Record<string, string>> = {
  REQUESTED: "запрос денег",
  AUTHORIZED: "деньги удержаны",
  DECLINED: "отклонён",
  CAPTURING: "списание",
  CAPTURED: "деньги списаны",
  VOIDING: "снятие удержания",
  VOIDED: "удержание снято",
  REFUNDING: "возврат денег",
  REFUNDED: "деньги возвращены",
};

const CALLS_SHORT: Readonly<Record<Call, string>> = { authorize: "удержать", capture: "списать", release: "вернуть" };

function fact(one: Fact, now: number): string {
  switch (one.kind) {
    case "accepted":
      return `заказ принят ${clock(one.at, "ru")}`;
    case "asked":
      return `${one.event} ${clock(one.at, "ru")}`;
    case "rows":
      return `ждёт ${one.waiting}, отправлено ${one.published}`;
    case "row":
      return `строка ${one.id}: ${one.event}`;
    case "tried":
      return `${one.event}, ${attempts(one.attempts)}`;
    case "parked":
      return `отставлена ${one.id}: ${one.error}`;
    case "next": {
      const left = until(one.at, now, "ru");
      return left ? `попытка через ${left}` : "попытка вот-вот";
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
      return `${CALLS_SHORT[one.call]}, попытка ${one.attempts}`;
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
      return `✗ ${event}: dead letter`;
    case "discarded":
      return `✗ ${event}: отброшено`;
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
  scene: (scene: Scene): Told => (SCENES[scene.id] as (one: Scene) => Told)(scene),
  fact,
  boxLine: (box: Box) =>
    `${BOX_NAMES[box.id]}: ${STATE_NAMES[box.state]}${box.way === "back" ? ", обратный путь" : ""}`,
  glossary: {
    api: "Принимает ваш запрос. Одной транзакцией записывает заказ и сообщение о нём и только потом отвечает; с другими сервисами не разговаривает.",
    outbox:
      "Таблица в той же базе, что и заказы. Сообщение в ней — просто строка, поэтому оно есть ровно тогда, когда есть изменение, о котором оно говорит.",
    worker:
      "Берёт строки из outbox и доставляет их в Kafka. Удаляет строку, только когда Kafka подтвердила, а до тех пор пробует снова.",
    kafka:
      "Журнал всех сообщений, разложенный по топикам. Каждый сервис читает в своём темпе; кто отлучался, продолжит с того же места.",
    payment: "Просит платёжный шлюз удержать, списать или вернуть деньги. Его inbox помнит, что уже обработано.",
    gateway:
      "Сторона банка; здесь это имитация. Знает каждый заказ по ключу и на повторный вопрос отвечает как прежде.",
    ticket: "Получает у авиакомпании билеты и кресла или аннулирует их.",
    order: "Меняет состояние заказа, когда приходят сообщения, и освобождает места, если заказ кончился без билетов.",
  },
  ui: {
    graphTitle: "Сага этого заказа",
    boxList: "По узлам",
    legend: "Обозначения",
    forward: "вперёд",
    back: "обратный путь (компенсация)",
    now: "Что происходит и почему",
    why: "Почему так",
    at: "Шаг {n} из {all}",
    waitsFor: "Чего он ждёт",
    forNothing: "Ничего: всё сделано.",
    movesBy: "Двинется или закончится само",
    inTime: (left: string) => `не позже чем через ${left}`,
    anyMoment: "вот-вот",
    command: "Эта команда сдвинет дело или покажет, где оно",
    copy: "Скопировать",
    copied: "Скопировано",
    toLetter: "Открыть этот dead letter в диспетчерской",
    timeline: "Ход событий",
    timelineHint: "Выберите шаг, чтобы увидеть рисунок таким, каким он был тогда.",
    inOutbox: "в outbox",
    inKafka: "в Kafka до обработки",
    since: (text: string) => `+${text}`,
    first: "К первому шагу",
    previous: "Шаг назад",
    next: "Шаг вперёд",
    latest: "Сейчас",
    play: "Показать медленно",
    pause: "Пауза",
    because: (event: string) => `из-за ${event}`,
    byRequest: "по запросу к API",
    byTimer: "вышел срок",
    moved: (status: string) => `заказ → ${status}`,
    attempts,
    row: (id: number) => `строка outbox ${id}`,
    whatAreThese: "Что это за узлы?",
    retention: "Сообщения хранятся несколько дней; что старше, здесь не показано.",
    lost: "API не отвечает. Показано последнее известное состояние; заказ идёт дальше и без страницы.",
    links: {
      opening: "Ищем заказ …",
      live: "Прямой эфир: каждое изменение видно сразу.",
      polling: "Прямая связь прервалась; заказ запрашивается раз в несколько секунд.",
      ended: "Завершено: с этим заказом больше ничего не происходит.",
    },
  },
};
