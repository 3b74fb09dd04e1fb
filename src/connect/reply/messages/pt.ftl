# Português. Ver en.ftl.

## Meeting

connected = 🎉 Conectado! Agora você está conversando com { $name }.{ $common } Diga oi!
connected-again = 🔄 Nova conexão! Agora você está conversando com { $name }.{ $common } Diga oi!
common = { " " }Vocês dois gostam de: { $interests }.
notice = ℹ️ Antes de escrever: você precisa ter 18 anos ou mais, ser gentil e nunca passar números de telefone nem endereços. Se alguém não for gentil, envie #report.
must-agree = { notice }
    ✅ Envie #agree se estiver de acordo e você poderá conhecer pessoas.
agreed = ✅ Obrigado!
looking = 🔍 Procurando alguém para conversar... Aguarde um momento, por favor!
looking-again = 🔍 Procurando outra pessoa para conversar... Aguarde um momento, por favor!
place = ⏳ Seu lugar na fila: { $position }
place-estimate = ⏳ Seu lugar na fila: { $position } (ultimamente a espera é de uns { $seconds } s)
choosy = 🔍 Primeiro entre quem gosta de: { $interests }
already-chatting = 💡 Você já está numa conversa! Use #bye para encerrá-la ou #again para achar outra pessoa.

## Parting

chat-ended = 👋 Conversa encerrada. Use #meet para conhecer alguém novo!
left-queue = 👋 Você saiu da fila. Use #meet quando quiser procurar de novo.
not-chatting = 💡 Você não está em nenhuma conversa agora.
partner-left = 👋 A outra pessoa saiu da conversa. Use #meet para achar alguém novo.
partner-timed-out = ⏰ A outra pessoa ficou tempo demais sem escrever. Use #meet para achar alguém novo.

## Writing

sent = 📤 Mensagem enviada à outra pessoa por { $name }: { $text }
number-hidden = 🔒 Sua mensagem foi enviada com o número de telefone oculto.
nobody = 💡 Você ainda não está numa conversa. Use #meet para falar com alguém ou #help para ver os comandos.
still-looking = 🔍 Ainda procuramos alguém, então sua mensagem não foi enviada. Use #bye para parar de procurar.
inbox-full = ⚠️ Sua mensagem não foi enviada: a outra pessoa tem mensagens demais por ler. Espere a resposta dela.
send-again = ⚠️ Sua mensagem não foi enviada. Envie de novo, por favor.
no-text = 💡 Não havia texto para enviar.
only-text = 💡 Aqui só passa texto, então isto não foi enviado.
refused-link = ⚠️ Sua mensagem não foi enviada: aqui não se podem enviar links.
refused-word = ⚠️ Sua mensagem não foi enviada: ela tem uma palavra que não é bem-vinda aqui.
refused-length = ⚠️ Sua mensagem não foi enviada: ela tem mais de { $limit } caracteres. Envie em partes, por favor.
refused-store = ⚠️ Sua mensagem não foi enviada: o Random Connect está fora do ar agora. Tente de novo daqui a pouco.
refused-call = ⚠️ Sua mensagem não foi enviada.
rest-not-sent = 💡 Só o comando foi executado; o texto depois dele não foi enviado.

## The inbox

inbox-empty = 📭 Nenhuma mensagem.
nothing-waits = 📭 Nada espera aqui: o que chega para você é enviado na hora.
more-waits =
    📬 { $count ->
        [one] Mais 1 mensagem espera
       *[other] Mais { $count } mensagens esperam
    } por você. Envie #m para ler.

## Settings

masking-on = 🔒 Ocultar números de telefone: LIGADO.
masking-off = 🔒 Ocultar números de telefone: DESLIGADO.
partner = 👤 Você está conversando com: { $name }
no-partner = 💡 Você não está em nenhuma conversa agora. Use #meet para conectar!
renamed = ✏️ Nas próximas conversas você se chama { $name }.
nick-empty = ⚠️ Esse apelido não serve: escreva o nome que quer depois de #nick.
nick-long = ⚠️ Esse apelido não serve: tem mais de { $limit } caracteres.
nick-imitates = ⚠️ Esse apelido não serve: poderia ser confundido com uma mensagem do sistema.
nick-reserved = ⚠️ Esse apelido não serve: contém um destes: { $characters }
speaks = 🌐 A partir de agora escrevo para você em português.
languages = 🌐 Eu falo { $languages }. Envie #lang e um deles, por exemplo #lang pt

## Safety

blocked = 🚫 Bloqueado. Vocês não se encontram mais. Use #meet para achar outra pessoa.
blocked-ended = 🚫 Bloqueado. A conversa acabou. Vocês não se encontram mais. Use #meet para achar outra pessoa.
reported = 🚩 Obrigado, esta pessoa foi denunciada. Vocês não se encontram mais. Use #meet para achar outra pessoa.
reported-ended = 🚩 Obrigado, esta pessoa foi denunciada. A conversa acabou. Vocês não se encontram mais. Use #meet para achar outra pessoa.
nobody-to-block = 💡 Não há quem bloquear ou denunciar: você não conheceu ninguém nos últimos 20 minutos.
ask-reason = 🚩 Por quê? Envie #report e um de spam, abuse (abuso), minor (menor de idade), scam (golpe), other (outro), ou algumas palavras suas, por exemplo: #report pede dinheiro. Só #block afasta a pessoa sem denúncia.
long-reason = ⚠️ Dê o motivo em no máximo { $limit } caracteres, por favor.
often-message = ⏳ Você escreve muito rápido, então isto não foi enviado. Pode continuar em { $span }.
often-same = ⏳ Você já enviou isto várias vezes, então não foi enviado de novo. Poderá em { $span }.
often-search = ⏳ Você procurou pessoas muitas vezes. Poderá de novo em { $span }.
often-newcomer = ⏳ Muita gente nova vem de onde você está. Tente de novo em { $span }.
barred = ⛔ Você foi denunciado, então por enquanto não pode conversar. Poderá de novo em { $span }.
barred-until-reviewed = ⛔ Várias pessoas denunciaram você, então não pode conversar até alguém analisar isso.
seconds = { $count ->
    [one] 1 segundo
   *[other] { $count } segundos
}
minutes = { $count ->
    [one] 1 minuto
   *[other] { $count } minutos
}
hours = { $count ->
    [one] 1 hora
   *[other] { $count } horas
}
days = { $count ->
    [one] 1 dia
   *[other] { $count } dias
}

## Kindness

nudge = 💡 Está quieto por aqui. Envie #ice para começar com uma pergunta ou #again para conhecer outra pessoa.
rated = 👍 Obrigado, isso ajuda a juntar melhor as pessoas.
nobody-to-rate = 💡 Não há quem avaliar: você não conheceu ninguém nos últimos 20 minutos.
icebreaker = 🧊 { $question }
ice-1 = O que fez você sorrir hoje?
ice-2 = Se pudesse estar em qualquer lugar agora, onde seria?
ice-3 = Que música você consegue ouvir sem parar?
ice-4 = Chá ou café, e como você gosta?
ice-5 = Qual foi a melhor coisa que você comeu esta semana?
ice-6 = O que você aprenderia se tivesse um ano livre?
ice-7 = Que filme você já viu mais de duas vezes?
ice-8 = Você acorda cedo ou dorme tarde? Por quê?
ice-9 = Qual era sua brincadeira favorita na infância?
ice-10 = De que coisa pequena você se orgulha?
ice-11 = Que lugar da sua cidade todo mundo deveria ver?
ice-12 = Como seria seu dia de folga perfeito?
ice-13 = Montanha ou mar?
ice-14 = Qual foi o melhor conselho que você já recebeu?
ice-15 = Com que animal você gostaria de conversar?
ice-16 = O que você está esperando com alegria?

## Help

help = 💡 Converse anonimamente com uma pessoa desconhecida. Envie:
help-rest = Tudo o mais que você escrever vai para a outra pessoa.
help-meet = { $names } [interesses]: ache alguém para conversar, primeiro quem tem um interesse em comum: #meet música, cinema
help-bye = { $names }: encerre a conversa ou pare de procurar
help-again = { $names }: saia e ache outra pessoa
help-hide = { $names }: oculte os números de telefone que você escreve: sim ou não
help-who = { $names }: com quem você está conversando
help-m = { $names }: leia o que espera por você
help-r = { $names } texto: envie o texto à outra pessoa
help-nick = { $names } nome: seu apelido nas próximas conversas
help-ice = { $names }: uma pergunta aos dois para começar
help-good = { $names }: diga que uma conversa foi boa; a outra pessoa não fica sabendo
help-bad = { $names }: diga que uma conversa foi ruim; a outra pessoa não fica sabendo
help-block = { $names }: encerre a conversa e nunca mais encontre esta pessoa
help-report = { $names } motivo: bloqueie e denuncie: spam, abuse, minor, scam, other, ou com suas palavras
help-lang = { $names } idioma: o idioma em que escrevo para você
help-agree = { $names }: concorde com o modo como nos tratamos aqui
help-help = { $names }: mostre estes comandos
