# Español. Véase en.ftl.

## Matching

connected = 🎉 ¡Conectado! Ahora chateas con { $name }.{ $common } ¡Di hola!
connected-again = 🔄 ¡Nueva conexión! Ahora chateas con { $name }.{ $common } ¡Di hola!
common = { " " }A los dos os gusta: { $interests }.
notice = ℹ️ Antes de chatear: debes tener 18 años o más. Sé amable y no compartas nunca números de teléfono ni direcciones. Si alguien no es amable, envía #report.
must-agree = { notice }
    ✅ Envía #agree para aceptarlo y empezar a chatear.
agreed = ✅ ¡Gracias!
looking = 🔍 Buscando a alguien para chatear... ¡Espera un momento, por favor!
looking-again = 🔍 Buscando otra persona para chatear... ¡Espera un momento, por favor!
place = ⏳ Tu lugar en la cola: { $position }
place-estimate = ⏳ Tu lugar en la cola: { $position } (esperas recientes: unos { $seconds } s)
choosy = 🔍 Buscando primero a personas a las que les gusta: { $interests }. Después de { $seconds } segundos, a cualquiera.
wait-alone = 💡 Ahora mismo no hay nadie más. Te conectaremos en cuanto llegue alguien.
wait-all-chatting = 💡 Ahora mismo todos los demás están chateando. Te conectaremos en cuanto alguien quede libre.
wait-all-selective = 💡 Los demás buscan primero a personas con sus mismos intereses y, después de { $seconds } segundos, a cualquiera.
interest-contact = ⚠️ No se ha empezado a buscar: un interés no puede contener un número de teléfono ni otro dato de contacto.
interest-imitates = ⚠️ No se ha empezado a buscar: un interés podría confundirse con un mensaje del sistema.
already-chatting = 💡 ¡Ya estás en un chat! Usa #bye para terminarlo o #again para buscar a otra persona.

## Ending a chat

chat-ended = 👋 Chat terminado. ¡Usa #meet para conocer a alguien nuevo!
left-queue = 👋 Has salido de la cola. Usa #meet para volver a buscar.
not-chatting = 💡 Ahora no estás en ningún chat.
partner-left = 👋 La otra persona ha dejado el chat. Usa #meet para buscar a alguien nuevo.
partner-timed-out = ⏰ La otra persona lleva demasiado tiempo sin escribir. Usa #meet para buscar a alguien nuevo.

## Sending

sent = 📤 Mensaje enviado a la otra persona de parte de { $name }: { $text }
number-hidden = 🔒 Tu mensaje se envió con el número de teléfono oculto.
nobody = 💡 Todavía no estás en ningún chat. Usa #meet para hablar con alguien o #help para ver los comandos.
still-looking = 🔍 Aún buscamos a alguien, así que tu mensaje no se envió. Usa #bye para dejar de buscar.
inbox-full = ⚠️ Tu mensaje no se envió: la otra persona tiene demasiados mensajes sin leer. Espera a que responda.
send-again = ⚠️ Tu mensaje no se envió. Envíalo otra vez, por favor.
no-text = 💡 No había texto que enviar.
only-text = 💡 Aquí solo se pueden enviar mensajes de texto, así que esto no se envió.
arrived-late = ⚠️ Lo que escribiste antes llegó tarde, así que no tuvo efecto. Envíalo de nuevo si todavía quieres.
edit-not-sent = 💡 Los cambios no se transmiten: la otra persona tiene el mensaje tal como lo enviaste al principio.
deletion-not-sent = 💡 Borrar un mensaje aquí no lo retira: puede que la otra persona ya lo haya leído.
reaction-not-sent = 💡 Las reacciones no se transmiten: la otra persona no las ve.
refused-link = ⚠️ Tu mensaje no se envió: aquí no se permiten enlaces.
refused-word = ⚠️ Tu mensaje no se envió: contiene una palabra que aquí no se permite.
refused-length = ⚠️ Tu mensaje no se envió: tiene más de { $limit } caracteres. Divídelo en mensajes más cortos, por favor.
refused-store = ⚠️ Tu mensaje no se envió: Random Connect no está disponible ahora. Inténtalo de nuevo en un momento.
refused-call = ⚠️ Tu mensaje no se envió.
rest-not-sent = 💡 Se ejecutó el comando, pero el texto que iba detrás no se envió.
did-you-mean = 💡 Tu mensaje no se ha enviado. ¿Querías decir { $command }? Para enviarlo como texto, escribe #r delante.
not-run = 💡 No se ha hecho nada, por las palabras que siguen a { $command }. Envía solo { $command } para ejecutarlo.

## Inbox

inbox-empty = 📭 No hay mensajes.
nothing-waits = 📭 No hay nada pendiente: los mensajes nuevos se te envían al momento.
more-waits =
    📬 { $count ->
        [one] 1 mensaje más te espera
       *[other] { $count } mensajes más te esperan
    }. Envía #m para leer más.

## Settings

masking-on = 🔒 Ocultar números de teléfono: ACTIVADO.
masking-off = 🔒 Ocultar números de teléfono: DESACTIVADO.
hide-usage = 💡 No se ha cambiado nada. Envía #hide sí para ocultar los números de teléfono que escribas, o #hide no para mostrarlos.
ask-forget = ⚠️ Esto termina tu chat y borra lo que se guarda sobre ti: apodo, idioma, intereses, ajustes, mensajes sin leer, tu aceptación de las normas y las valoraciones que diste o recibiste. Los bloqueos y las denuncias se conservan, sin tu nombre ni tu número. Para hacerlo, envía #forget sí
forgotten = ✅ Tus datos se han borrado: apodo, idioma, intereses, ajustes, mensajes sin leer, tu aceptación de las normas y las valoraciones que diste o recibiste. Si había un chat, ha terminado. Los bloqueos y las denuncias se conservan, sin tu nombre ni tu número, y durante 20 minutos tu última pareja de chat aún puede denunciarte. Envía #meet para empezar de nuevo.
partner = 👤 Chateas con: { $name }
no-partner = 💡 Ahora no estás en ningún chat. ¡Usa #meet para conectar!
renamed = ✏️ A partir de tu próximo chat, tu apodo será { $name }.
nick-empty = ⚠️ Ese apodo no vale: escribe el nombre que quieres después de #nick.
nick-long = ⚠️ Ese apodo no vale: tiene más de { $limit } caracteres.
nick-imitates = ⚠️ Ese apodo no vale: podría confundirse con un mensaje del sistema.
nick-contact = ⚠️ Ese apodo no vale: contiene un número de teléfono u otro dato de contacto.
nick-reserved = ⚠️ Ese apodo no vale: contiene uno de { $characters }
speaks = 🌐 Desde ahora te escribo en español.
languages = 🌐 Idiomas disponibles: { $languages }. Envía #lang con uno de ellos, por ejemplo #lang es

## Safety

blocked = 🚫 Bloqueado. No os volveréis a encontrar. Usa #meet para buscar a otra persona.
blocked-ended = 🚫 Bloqueado. El chat ha terminado. No os volveréis a encontrar. Usa #meet para buscar a otra persona.
reported = 🚩 Gracias, esta persona ha sido denunciada. No os volveréis a encontrar. Usa #meet para buscar a otra persona.
reported-ended = 🚩 Gracias, esta persona ha sido denunciada. El chat ha terminado. No os volveréis a encontrar. Usa #meet para buscar a otra persona.
block-unsaved = ⚠️ Nuestro almacenamiento tiene un problema y este bloqueo puede perderse. Envía #block de nuevo más tarde.
report-unsaved = ⚠️ Nuestro almacenamiento tiene un problema y tu denuncia no se ha guardado. Envía #report de nuevo más tarde.
nobody-to-block = 💡 No hay a quién bloquear o denunciar: no has chateado con nadie en los últimos 20 minutos.
ask-reason = 🚩 ¿Por qué? Envía #report y uno de spam, abuse (maltrato), minor (menor), scam (estafa), other (otro), o unas palabras tuyas, por ejemplo: #report pide dinero. Usa #block para bloquear a esta persona sin denunciarla.
long-reason = ⚠️ Da el motivo en { $limit } caracteres como máximo, por favor.
often-message = ⏳ Envías mensajes demasiado rápido, así que este no se envió. Inténtalo de nuevo en { $span }.
often-same = ⏳ Ya has enviado esto varias veces, así que no se envió de nuevo. Inténtalo de nuevo en { $span }.
often-search = ⏳ Has buscado gente demasiadas veces. Inténtalo de nuevo en { $span }.
often-report = ⏳ Has enviado demasiadas denuncias. Inténtalo de nuevo en { $span }, o envía #block para no volver a encontrarte con esta persona.
often-command = ⏳ Vas demasiado rápido. Inténtalo de nuevo en { $span }.
often-newcomer = ⏳ Se están uniendo demasiados usuarios nuevos desde tu red. Inténtalo de nuevo en { $span }.
barred = ⛔ Te han denunciado, así que por ahora no puedes chatear. Inténtalo de nuevo en { $span }.
barred-until-reviewed = ⛔ Varias personas te han denunciado, así que no puedes chatear hasta que un moderador revise las denuncias.
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
    [one] 1 día
   *[other] { $count } días
}

## Conversation starters and ratings

nudge = 💡 Está muy callado esto. Envía #ice para empezar con una pregunta o #again para conocer a otra persona.
rated = 👍 Gracias, eso nos ayuda a emparejar a la gente.
nobody-to-rate = 💡 No hay a quién valorar: no has chateado con nadie en los últimos 20 minutos.
icebreaker = 🧊 { $question }
ice-1 = ¿Qué te ha hecho sonreír hoy?
ice-2 = Si pudieras estar en cualquier lugar ahora mismo, ¿dónde sería?
ice-3 = ¿Qué canción puedes escuchar una y otra vez?
ice-4 = ¿Té o café? ¿Y cómo te gusta?
ice-5 = ¿Qué es lo mejor que has comido esta semana?
ice-6 = ¿Qué aprenderías si tuvieras un año libre?
ice-7 = ¿Qué película has visto más de dos veces?
ice-8 = ¿Madrugas o trasnochas? ¿Por qué?
ice-9 = ¿Cuál era tu juego favorito en la infancia?
ice-10 = ¿De qué cosa pequeña sientes orgullo?
ice-11 = ¿Qué lugar de tu ciudad debería ver todo el mundo?
ice-12 = ¿Cómo sería tu día libre perfecto?
ice-13 = ¿Montaña o mar?
ice-14 = ¿Cuál es el mejor consejo que te han dado?
ice-15 = ¿Con qué animal te gustaría hablar?
ice-16 = ¿Qué esperas con ganas?

## Help

help = 💡 Chatea de forma anónima con una persona desconocida. Envía:
help-rest = Todo lo demás que escribas le llega a la otra persona.
help-meet = { $names } [intereses]: busca a alguien para chatear, a ser posible alguien que comparta un interés: #meet música, cine
help-bye = { $names }: termina el chat o deja de buscar
help-again = { $names }: deja el chat y busca a otra persona
help-hide = { $names } [sí o no]: activa o desactiva que se oculten tus números de teléfono
help-who = { $names }: muestra el apodo de la otra persona
help-m = { $names }: lee tus mensajes pendientes
help-r = { $names } texto: envía el texto a la otra persona
help-nick = { $names } nombre: tu apodo en los próximos chats
help-ice = { $names }: una pregunta a los dos para empezar
help-good = { $names }: valora el chat como bueno; no se avisa a la otra persona
help-bad = { $names }: valora el chat como malo; no se avisa a la otra persona
help-block = { $names }: termina el chat y no vuelvas a encontrar a esta persona
help-report = { $names } motivo: bloquea y denuncia: spam, abuse, minor, scam, other, o con tus palabras
help-lang = { $names } idioma: elige el idioma en que te escribo
help-agree = { $names }: acepta las reglas del chat
help-forget = { $names } sí: termina el chat y borra tus datos
help-help = { $names }: muestra estos comandos
