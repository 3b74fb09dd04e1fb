# Português. Ver en.ftl.

## Matching

connected = 🎉 Conectado! Agora você está conversando com { $name }.{ $common } Diga oi!
connected-again = 🔄 Nova conexão! Agora você está conversando com { $name }.{ $common } Diga oi!
common = { " " }Vocês dois gostam de: { $interests }.
notice = ℹ️ Antes de conversar: você precisa ter 18 anos ou mais. Seja gentil e nunca passe números de telefone nem endereços. Se alguém não for gentil, envie #report.
must-agree = { notice }
    ✅ Envie #agree para aceitar e começar a conversar.
agreed = ✅ Obrigado!
looking = 🔍 Procurando alguém para conversar... Aguarde um momento, por favor!
looking-again = 🔍 Procurando outra pessoa para conversar... Aguarde um momento, por favor!
place = ⏳ Seu lugar na fila: { $position }
place-estimate = ⏳ Seu lugar na fila: { $position } (esperas recentes: cerca de { $seconds } s)
choosy = 🔍 Procurando primeiro quem gosta de: { $interests }. Depois de { $seconds } segundos, qualquer pessoa.
wait-alone = 💡 No momento não há mais ninguém aqui. Você será conectado assim que alguém chegar.
wait-all-chatting = 💡 No momento todas as outras pessoas estão conversando. Você será conectado assim que alguém ficar livre.
wait-all-selective = 💡 As outras pessoas procuram primeiro quem tem os mesmos interesses e, depois de { $seconds } segundos, qualquer pessoa.
interest-contact = ⚠️ A busca não começou: um interesse não pode conter um número de telefone nem outro dado de contato.
interest-imitates = ⚠️ A busca não começou: um interesse poderia ser confundido com uma mensagem do sistema.
already-chatting = 💡 Você já está numa conversa! Use #bye para encerrá-la ou #again para achar outra pessoa.

## Ending a chat

chat-ended = 👋 Conversa encerrada. Use #meet para conhecer alguém novo!
left-queue = 👋 Você saiu da fila. Use #meet para procurar de novo.
not-chatting = 💡 Você não está em nenhuma conversa agora.
partner-left = 👋 A outra pessoa saiu da conversa. Use #meet para achar alguém novo.
partner-timed-out = ⏰ A outra pessoa ficou tempo demais sem escrever. Use #meet para achar alguém novo.

## Sending

sent = 📤 Mensagem enviada à outra pessoa por { $name }: { $text }
number-hidden = 🔒 Sua mensagem foi enviada com o número de telefone oculto.
nobody = 💡 Você ainda não está numa conversa. Use #meet para falar com alguém ou #help para ver os comandos.
still-looking = 🔍 Ainda procuramos alguém, então sua mensagem não foi enviada. Use #bye para parar de procurar.
inbox-full = ⚠️ Sua mensagem não foi enviada: a outra pessoa tem mensagens demais por ler. Espere a resposta dela.
send-again = ⚠️ Sua mensagem não foi enviada. Envie de novo, por favor.
no-text = 💡 Não havia texto para enviar.
only-text = 💡 Aqui só é possível enviar mensagens de texto, então isto não foi enviado.
arrived-late = ⚠️ O que você escreveu antes chegou atrasado, então não teve efeito. Envie de novo se ainda quiser.
edit-not-sent = 💡 As edições não são repassadas: a outra pessoa tem a mensagem como você a enviou da primeira vez.
deletion-not-sent = 💡 Apagar uma mensagem aqui não a recolhe: talvez a outra pessoa já a tenha lido.
reaction-not-sent = 💡 As reações não são repassadas: a outra pessoa não as vê.
refused-link = ⚠️ Sua mensagem não foi enviada: links não são permitidos aqui.
refused-word = ⚠️ Sua mensagem não foi enviada: ela contém uma palavra que não é permitida aqui.
refused-length = ⚠️ Sua mensagem não foi enviada: ela tem mais de { $limit } caracteres. Divida em mensagens mais curtas, por favor.
refused-store = ⚠️ Sua mensagem não foi enviada: o Random Connect está fora do ar agora. Tente de novo daqui a pouco.
refused-call = ⚠️ Sua mensagem não foi enviada.
rest-not-sent = 💡 O comando foi executado, mas o texto depois dele não foi enviado.
did-you-mean = 💡 Sua mensagem não foi enviada. Você quis dizer { $command }? Para enviá-la como texto, escreva #r antes dela.
not-run = 💡 Nada foi feito, por causa das palavras depois de { $command }. Envie só { $command } para executar o comando.

## Inbox

inbox-empty = 📭 Nenhuma mensagem.
nothing-waits = 📭 Não há nada pendente: as mensagens novas são enviadas a você na hora.
more-waits =
    📬 { $count ->
        [one] 1 mensagem ainda espera
       *[other] { $count } mensagens ainda esperam
    } por você. Envie #m para ler mais.

## Settings

masking-on = 🔒 Ocultar números de telefone: LIGADO.
masking-off = 🔒 Ocultar números de telefone: DESLIGADO.
hide-usage = 💡 Nada mudou. Envie #hide sim para ocultar os números de telefone que você escrever, ou #hide não para mostrá-los.
ask-forget = ⚠️ Isso encerra sua conversa e apaga o que está guardado sobre você: apelido, idioma, interesses, configurações, mensagens não lidas, sua aceitação das regras e as avaliações que você deu ou recebeu. Bloqueios e denúncias permanecem, sem seu nome nem seu número. Para fazer isso, envie #forget sim
forgotten = ✅ Seus dados foram apagados: apelido, idioma, interesses, configurações, mensagens não lidas, sua aceitação das regras e as avaliações que você deu ou recebeu. Se havia uma conversa, ela terminou. Bloqueios e denúncias permanecem, sem seu nome nem seu número, e por 20 minutos a última pessoa com quem você conversou ainda pode denunciar você. Envie #meet para começar de novo.
partner = 👤 Você está conversando com: { $name }
no-partner = 💡 Você não está em nenhuma conversa agora. Use #meet para conectar!
renamed = ✏️ A partir da próxima conversa, seu apelido será { $name }.
nick-empty = ⚠️ Esse apelido não serve: escreva o nome que quer depois de #nick.
nick-long = ⚠️ Esse apelido não serve: tem mais de { $limit } caracteres.
nick-imitates = ⚠️ Esse apelido não serve: poderia ser confundido com uma mensagem do sistema.
nick-contact = ⚠️ Esse apelido não serve: contém um número de telefone ou outro dado de contato.
nick-reserved = ⚠️ Esse apelido não serve: contém um destes: { $characters }
speaks = 🌐 A partir de agora escrevo para você em português.
languages = 🌐 Idiomas disponíveis: { $languages }. Envie #lang com um deles, por exemplo #lang pt

## Safety

blocked = 🚫 Bloqueado. Vocês não se encontram mais. Use #meet para achar outra pessoa.
blocked-ended = 🚫 Bloqueado. A conversa acabou. Vocês não se encontram mais. Use #meet para achar outra pessoa.
reported = 🚩 Obrigado, esta pessoa foi denunciada. Vocês não se encontram mais. Use #meet para achar outra pessoa.
reported-ended = 🚩 Obrigado, esta pessoa foi denunciada. A conversa acabou. Vocês não se encontram mais. Use #meet para achar outra pessoa.
block-unsaved = ⚠️ Nosso armazenamento está com um problema e este bloqueio pode se perder. Envie #block de novo mais tarde.
report-unsaved = ⚠️ Nosso armazenamento está com um problema e sua denúncia não foi salva. Envie #report de novo mais tarde.
nobody-to-block = 💡 Não há quem bloquear ou denunciar: você não conversou com ninguém nos últimos 20 minutos.
ask-reason = 🚩 Por quê? Envie #report e um de spam, abuse (abuso), minor (menor de idade), scam (golpe), other (outro), ou algumas palavras suas, por exemplo: #report pede dinheiro. Use #block para bloquear esta pessoa sem denunciá-la.
long-reason = ⚠️ Dê o motivo em no máximo { $limit } caracteres, por favor.
often-message = ⏳ Você está enviando mensagens rápido demais, então esta não foi enviada. Tente de novo em { $span }.
often-same = ⏳ Você já enviou isto várias vezes, então não foi enviado de novo. Tente de novo em { $span }.
often-search = ⏳ Você procurou pessoas vezes demais. Tente de novo em { $span }.
often-report = ⏳ Você denunciou vezes demais. Tente de novo em { $span }, ou envie #block para não encontrar mais esta pessoa.
often-command = ⏳ Você está indo rápido demais. Tente de novo em { $span }.
often-newcomer = ⏳ Há usuários novos demais entrando pela sua rede. Tente de novo em { $span }.
barred = ⛔ Você foi denunciado, então por enquanto não pode conversar. Tente de novo em { $span }.
barred-until-reviewed = ⛔ Várias pessoas denunciaram você, então não pode conversar até que um moderador analise as denúncias.
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

## Conversation starters and ratings

nudge = 💡 Está quieto por aqui. Envie #ice para começar com uma pergunta ou #again para conhecer outra pessoa.
rated = 👍 Obrigado, isso nos ajuda a aproximar as pessoas.
nobody-to-rate = 💡 Não há quem avaliar: você não conversou com ninguém nos últimos 20 minutos.
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
help-meet = { $names } [interesses]: ache alguém para conversar, de preferência com um interesse em comum: #meet música, cinema
help-bye = { $names }: encerre a conversa ou pare de procurar
help-again = { $names }: saia e ache outra pessoa
help-hide = { $names } [sim ou não]: ativa ou desativa a ocultação dos seus números de telefone
help-who = { $names }: mostre o apelido da outra pessoa
help-m = { $names }: leia suas mensagens pendentes
help-r = { $names } texto: envie o texto à outra pessoa
help-nick = { $names } nome: seu apelido nas próximas conversas
help-ice = { $names }: uma pergunta aos dois para começar
help-good = { $names }: avalie a conversa como boa; a outra pessoa não é avisada
help-bad = { $names }: avalie a conversa como ruim; a outra pessoa não é avisada
help-block = { $names }: encerre a conversa e nunca mais encontre esta pessoa
help-report = { $names } motivo: bloqueie e denuncie: spam, abuse, minor, scam, other, ou com suas palavras
help-lang = { $names } idioma: escolha o idioma em que escrevo para você
help-agree = { $names }: aceite as regras da conversa
help-forget = { $names } sim: encerra a conversa e apaga seus dados
help-help = { $names }: mostre estes comandos
