# The messages that users read, in English. The files of all other languages have the same ids and placeholders.
# A line starts with an emoji that marks it as the system's; a nickname can't start with one.
# The openings of all lines are also in profile/system_phrases.rs, so that no nickname can imitate them.

## Matching

connected = 🎉 Connected! You're now chatting with { $name }.{ $common } Say hello!
connected-again = 🔄 New connection! You're now chatting with { $name }.{ $common } Say hello!
common = { " " }You both like: { $interests }.
notice = ℹ️ Before you chat: you must be 18 or older. Be kind, and never share phone numbers or addresses. If someone is unkind, send #report.
must-agree = { notice }
    ✅ Send #agree to accept this and start chatting.
agreed = ✅ Thank you!
looking = 🔍 Looking for someone to chat with... Please wait while we find you a partner!
looking-again = 🔍 Looking for a new chat partner... Please wait!
place = ⏳ Your place in the queue: { $position }
place-estimate = ⏳ Your place in the queue: { $position } (recent waits: about { $seconds } s)
choosy = 🔍 Looking first for people who like: { $interests }. After { $seconds } seconds, for anyone.
wait-alone = 💡 No one else is here right now. You're connected as soon as someone comes.
wait-all-chatting = 💡 Everyone else is chatting right now. You're connected as soon as someone is free.
wait-all-selective = 💡 The others look first for people who share their interests, and after { $seconds } seconds for anyone.
interest-contact = ⚠️ No search was started: an interest can't contain a phone number or another contact detail.
interest-imitates = ⚠️ No search was started: an interest could be mistaken for a system message.
already-chatting = You're already in a chat! Use #bye to end it first, or #again to find a new partner.

## Ending a chat

chat-ended = 👋 Chat ended. Use #meet to connect with someone new!
left-queue = 👋 You left the queue. Use #meet to look again.
not-chatting = You're not currently in a chat.
partner-left = Your partner left the chat. Use #meet to find a new one.
partner-timed-out = Your partner timed out. Use #meet to find a new one.

## Sending

sent = 📤 Message sent to your partner from { $name }: { $text }
number-hidden = 🔒 Your message was sent with the phone number in it hidden.
nobody = 💡 You're not in a chat yet. Use #meet to find someone to talk to, or #help for all commands.
still-looking = 🔍 Still looking for a partner, so your message was not sent. Use #bye to stop looking.
inbox-full = ⚠️ Your message was not sent: your partner has too many unread messages. Please wait for a reply.
send-again = ⚠️ Your message was not sent. Please send it again.
no-text = 💡 There was no text to send.
only-text = 💡 Only text messages can be sent here, so this was not sent.
arrived-late = ⚠️ What you wrote earlier arrived late, so it had no effect. Please send it again if you still want to.
edit-not-sent = 💡 Edits aren't passed on: your partner has the message as you first sent it.
deletion-not-sent = 💡 Deleting a message here doesn't take it back: your partner may have read it already.
reaction-not-sent = 💡 Reactions aren't passed on: your partner doesn't see them.
refused-link = ⚠️ Your message was not sent: links aren't allowed here.
refused-word = ⚠️ Your message was not sent: it contains a word that isn't allowed here.
refused-length = ⚠️ Your message was not sent: it is longer than { $limit } characters. Please split it into shorter messages.
refused-store = ⚠️ Your message was not sent: Random Connect can't be reached right now. Please try again shortly.
refused-call = ⚠️ Your message was not sent.
rest-not-sent = 💡 The command was run, but the text after it was not sent.
did-you-mean = 💡 Your message was not sent. Did you mean { $command }? To send it as text, write #r before it.
not-run = 💡 Nothing was done, because of the words after { $command }. Send { $command } alone to run it.

## Inbox

inbox-empty = 📭 Inbox empty.
nothing-waits = 📭 Nothing is waiting: new messages are sent to you right away.
more-waits =
    📬 { $count ->
        [one] 1 more message is waiting
       *[other] { $count } more messages are waiting
    } for you. Send #m to read more.

## Settings

masking-on = 🔒 Phone number masking is now ON.
masking-off = 🔒 Phone number masking is now OFF.
hide-usage = 💡 Nothing was changed. Send #hide on to hide the phone numbers that you write, or #hide off to show them.
ask-forget = ⚠️ This ends your chat and deletes what is stored about you: nickname, language, interests, settings, unread messages, your consent to the chat rules, and the ratings that you gave or got. Blocks and reports stay, without your name or number. To do it, send #forget yes
forgotten = ✅ Your data was deleted: nickname, language, interests, settings, unread messages, your consent to the chat rules, and the ratings that you gave or got. If you were in a chat, it has ended. Blocks and reports stay, without your name or number, and for 20 minutes your last partner can still report you. Send #meet to start again.
partner = 👤 You're chatting with: { $name }
no-partner = You're not currently in a chat. Use #meet to connect!
renamed = ✏️ From your next chat on, your nickname is { $name }.
nick-empty = ⚠️ That nickname can't be used: write the name you want after #nick.
nick-long = ⚠️ That nickname can't be used: it is longer than { $limit } characters.
nick-imitates = ⚠️ That nickname can't be used: it could be mistaken for a system message.
nick-contact = ⚠️ That nickname can't be used: it contains a phone number or another contact detail.
nick-reserved = ⚠️ That nickname can't be used: it contains one of { $characters }
speaks = 🌐 From now on I'll write to you in English.
languages = 🌐 Available languages: { $languages }. Send #lang with one of them, for example #lang es

## Safety

blocked = 🚫 Blocked. You two won't meet again. Use #meet to find someone else.
blocked-ended = 🚫 Blocked. The chat is over. You two won't meet again. Use #meet to find someone else.
reported = 🚩 Thank you, this person has been reported. You two won't meet again. Use #meet to find someone else.
reported-ended = 🚩 Thank you, this person has been reported. The chat is over. You two won't meet again. Use #meet to find someone else.
block-unsaved = ⚠️ Our storage has a problem, so this block may not last. Please send #block again later.
report-unsaved = ⚠️ Our storage has a problem, so your report was not saved. Please send #report again later.
nobody-to-block = 💡 There is no one to block or report: you haven't chatted with anyone in the last 20 minutes.
ask-reason = 🚩 Why? Send #report and one of spam, abuse, minor, scam, other, or a few words of your own, such as: #report asks for money. Use #block to block this person without reporting them.
long-reason = ⚠️ Please keep the reason to { $limit } characters or fewer.
often-message = ⏳ You're sending messages too fast, so this one was not sent. Try again in { $span }.
often-same = ⏳ You've already sent this several times, so it was not sent again. Try again in { $span }.
often-search = ⏳ You've searched for partners too often. Try again in { $span }.
often-report = ⏳ You've reported too often. Try again in { $span }, or send #block to never meet this person again.
often-command = ⏳ You're doing this too fast. Try again in { $span }.
often-newcomer = ⏳ Too many new users are joining from your network. Try again in { $span }.
barred = ⛔ You were reported, so you can't chat for now. Try again in { $span }.
barred-until-reviewed = ⛔ Several people reported you, so you can't chat until a moderator has reviewed the reports.
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

## Conversation starters and ratings

nudge = 💡 It's quiet in here. Send #ice for a conversation starter, or #again to meet someone else.
rated = 👍 Thank you, that helps us match people.
nobody-to-rate = 💡 There is no one to rate: you haven't chatted with anyone in the last 20 minutes.
icebreaker = 🧊 { $question }
ice-1 = What made you smile today?
ice-2 = If you could be anywhere right now, where would it be?
ice-3 = Which song could you listen to over and over?
ice-4 = Tea or coffee, and how do you like it?
ice-5 = What is the best thing you have eaten this week?
ice-6 = What would you learn if you had a year off?
ice-7 = Which movie have you seen more than twice?
ice-8 = Are you an early bird or a night owl, and why?
ice-9 = What was your favorite game as a child?
ice-10 = What is something small that you are proud of?
ice-11 = Which place in your town should everyone see?
ice-12 = What would your perfect day off look like?
ice-13 = Mountains or the sea?
ice-14 = What is the best advice anyone has ever given you?
ice-15 = Which animal would you like to talk to?
ice-16 = What are you looking forward to?

## Help

help = 💡 Chat anonymously with a stranger. Send:
help-rest = Anything else you write goes to your partner.
help-meet = { $names } [interests]: find someone to chat with, ideally someone who shares an interest: #meet music, hindi
help-bye = { $names }: end the chat, or stop looking
help-again = { $names }: leave and find someone new
help-hide = { $names } [on or off]: turn hiding of your phone numbers on or off
help-who = { $names }: show your partner's nickname
help-m = { $names }: read your waiting messages
help-r = { $names } text: send text to your partner
help-nick = { $names } name: set your nickname for your next chats
help-ice = { $names }: ask both of you an icebreaker question
help-good = { $names }: rate the chat as good; your partner isn't notified
help-bad = { $names }: rate the chat as bad; your partner isn't notified
help-block = { $names }: end the chat and never meet this person again
help-report = { $names } reason: block and report: spam, abuse, minor, scam, other, or your own words
help-lang = { $names } language: choose the language I write to you in
help-agree = { $names }: accept the chat rules
help-forget = { $names } yes: end the chat and delete your data
help-help = { $names }: show these commands
