# What people read, in English: all other languages have the same messages with the same placeholders.
# A line begins with a sign, by which it is known for the system's; names can't.

## Meeting

connected = 🎉 Connected! You're now chatting with { $name }.{ $common } Say hello!
connected-again = 🔄 New connection! You're now chatting with { $name }.{ $common } Say hello!
common = { " " }You both like: { $interests }.
notice = ℹ️ Before you write: you must be 18 or older, be kind, and never share phone numbers or addresses. If somebody isn't kind, send #report.
must-agree = { notice }
    ✅ Send #agree if that is fine with you, and you can meet people.
agreed = ✅ Thank you!
looking = 🔍 Looking for someone to chat with... Please wait while we find you a partner!
looking-again = 🔍 Looking for a new chat partner... Please wait!
place = ⏳ Your place in the queue: { $position }
place-estimate = ⏳ Your place in the queue: { $position } (lately people waited about { $seconds } s)
choosy = 🔍 First among those who like: { $interests }
already-chatting = You're already in a chat! Use #bye to end it first, or #again to find a new partner.

## Parting

chat-ended = 👋 Chat ended. Use #meet to connect with someone new!
left-queue = 👋 You left the queue. Use #meet whenever you want to look again.
not-chatting = You're not currently in a chat.
partner-left = Your partner left the chat. Use #meet to find a new one.
partner-timed-out = Your partner timed out. Use #meet to find a new one.

## Writing

sent = 📤 Message sent to your partner from { $name }: { $text }
number-hidden = 🔒 Your message was sent with the phone number in it hidden.
nobody = 💡 You're not in a chat yet. Use #meet to find someone to talk to, or #help for all commands.
still-looking = 🔍 Still looking for a partner, so your message was not sent. Use #bye to stop looking.
inbox-full = ⚠️ Your message was not sent: your partner has too many unread messages. Please wait until they answer.
send-again = ⚠️ Your message was not sent. Please send it again.
no-text = 💡 There was no text to send.
only-text = 💡 Only text is passed on here, so this was not sent.
refused-link = ⚠️ Your message was not sent: links can't be sent here.
refused-word = ⚠️ Your message was not sent: it holds a word that is not welcome here.
refused-length = ⚠️ Your message was not sent: it is longer than { $limit } characters. Please send it in parts.
refused-store = ⚠️ Your message was not sent: Random Connect can't be reached right now. Please try again shortly.
refused-call = ⚠️ Your message was not sent.
rest-not-sent = 💡 Only the command was carried out, the text behind it was not sent.

## The inbox

inbox-empty = 📭 Inbox empty.
nothing-waits = 📭 Nothing waits here: what comes for you is sent to you at once.
more-waits =
    📬 { $count ->
        [one] 1 more message waits
       *[other] { $count } more messages wait
    } for you. Send #m to read on.

## Settings

masking-on = 🔒 Phone number masking is now ON.
masking-off = 🔒 Phone number masking is now OFF.
partner = 👤 You're chatting with: { $name }
no-partner = You're not currently in a chat. Use #meet to connect!
renamed = ✏️ In your next chats you are called { $name }.
nick-empty = ⚠️ That nickname can't be used: write the name you want behind #nick.
nick-long = ⚠️ That nickname can't be used: it is longer than { $limit } characters.
nick-imitates = ⚠️ That nickname can't be used: it could be taken for a message of the system.
nick-reserved = ⚠️ That nickname can't be used: it contains one of { $characters }
speaks = 🌐 From now on I write to you in English.
languages = 🌐 I speak { $languages }. Send #lang and one of these, such as #lang es

## Safety

blocked = 🚫 Blocked. You two won't meet again. Use #meet to find someone else.
blocked-ended = 🚫 Blocked. The chat is over. You two won't meet again. Use #meet to find someone else.
reported = 🚩 Thank you, this person is reported. You two won't meet again. Use #meet to find someone else.
reported-ended = 🚩 Thank you, this person is reported. The chat is over. You two won't meet again. Use #meet to find someone else.
nobody-to-block = 💡 There is nobody to block or report: you have met nobody in the last 20 minutes.
ask-reason = 🚩 Why? Send #report and one of spam, abuse, minor, scam, other, or a few words of your own, such as: #report asks for money. #block alone keeps this person away without a report.
long-reason = ⚠️ Please give the reason in at most { $limit } characters.
often-message = ⏳ You write very fast, so this was not sent. Please go on in { $span }.
often-same = ⏳ You have sent this several times, so it was not sent again. You can in { $span }.
often-search = ⏳ You have looked for partners very often. You can again in { $span }.
often-newcomer = ⏳ Many new people come from where you are. Please try again in { $span }.
barred = ⛔ You were reported, so you can't chat for now. You can again in { $span }.
barred-until-reviewed = ⛔ You were reported by several people, so you can't chat until somebody has reviewed it.
seconds = { $count ->
    [one] 1 second
   *[other] { $count } seconds
}
minutes = { $count ->
    [one] 1 minute
   *[other] { $count } minutes
}
hours = { $count ->
    [one] 1 hour
   *[other] { $count } hours
}
days = { $count ->
    [one] 1 day
   *[other] { $count } days
}

## Kindness

nudge = 💡 It is quiet here. Send #ice for a question to begin with, or #again to meet somebody else.
rated = 👍 Thank you, that helps to bring people together.
nobody-to-rate = 💡 There is nobody to rate: you have met nobody in the last 20 minutes.
icebreaker = 🧊 { $question }
ice-1 = What made you smile today?
ice-2 = If you could be anywhere right now, where would it be?
ice-3 = Which song can you hear again and again?
ice-4 = Tea or coffee, and how do you like it?
ice-5 = What is the best thing you have eaten this week?
ice-6 = What would you learn if you had a year off?
ice-7 = Which film have you seen more than twice?
ice-8 = Are you up early or late, and why?
ice-9 = What was your favourite game as a child?
ice-10 = What is something small that you are proud of?
ice-11 = Which place in your town should everybody see?
ice-12 = What would your perfect day off look like?
ice-13 = Mountains or the sea?
ice-14 = What is the best advice anybody gave you?
ice-15 = Which animal would you like to talk with?
ice-16 = What are you looking forward to?

## Help

help = 💡 Chat anonymously with a stranger. Send:
help-rest = Anything else you write goes to your partner.
help-meet = { $names } [interests]: find someone to chat with, sooner one who shares an interest: #meet music, hindi
help-bye = { $names }: end the chat, or stop looking
help-again = { $names }: leave and find someone new
help-hide = { $names }: hide phone numbers you write: on or off
help-who = { $names }: who you are chatting with
help-m = { $names }: read what waits for you
help-r = { $names } text: send text to your partner
help-nick = { $names } name: set your nickname for the coming chats
help-ice = { $names }: ask both of you a question to begin with
help-good = { $names }: say that a chat was good; your partner is not told
help-bad = { $names }: say that a chat was bad; your partner is not told
help-block = { $names }: end the chat and never meet this person again
help-report = { $names } reason: block and report: spam, abuse, minor, scam, other, or in your own words
help-lang = { $names } language: the language I write to you in
help-agree = { $names }: agree to how people treat each other here
help-help = { $names }: show these commands
