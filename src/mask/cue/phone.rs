//! Words near phone numbers: each [`PHONE`] word, [`HANDOVER`], [`CONNECTOR`] and [`PLATFORM`].
//!
//! This module contains tables, with one or more lines per language, and no code. To add a word,
//! add it to [`PHONE`] if it always means a phone, or to [`HANDOVER`] if it often does not. To add
//! a part of words that mean a phone, add it to [`STEMS`].

/// Words that mean a phone or a call.
pub(super) const PHONE: &str = "call calling caller callme calls cll ring dial phone fone ph phn phno \
    mob mobile cell cellphone cellular landline tel tele telephone fon whatsapp whatsap watsapp \
    watsap wassap whtsapp whatsup wa wapp wp wsp wpp wtsp watsup zap zapzap viber signal imo \
    telegram tg tele sms missed hotline helpline contact contactno textme txt ringme \
    callback pingme dm fone jio airtel vodafone bsnl \
    kol kaal kall kalling fon lagao lagana lagaana baat milao \
    llama llamame llamar llamada llamen celular cel movil fono fijo telefono tfno tlf tfn \
    wasap guasap whats wasapea escribeme marcame marca \
    liga ligue ligar ligacao telefone telemovel cel fone zapear \
    appelle appelez appeler appel tel portable fixe joindre joignable telephoner \
    ruf rufe anrufen anruf ruft handy festnetz mobil mobilnummer handynr tel telefon erreichbar \
    erreichst \
    hubungi telp telpon telepon hp nohp nowa wasap ponsel japri kontak \
    chiama chiamami chiamare cellulare telefonami chiamate \
    ara arayin arayabilirsin ceptelefonu telefonum tel gsm ararsin \
    bel bellen mobiel mobieltje gsm 06nummer \
    zadzwon dzwon komorka komorkowy telefonu \
    ringa mobilnummer telefonnummer \
    goi dienthoai sdt zalo \
    simu piga nipigie pigia \
    zvani zvanit piezvani pazvani talrunis telefons skambink skambinkite paskambink telefonas mobilus \
    helista helistage mobiil mobiiltelefon soita soittele soittakaa puhelin puhelinnumero kannykka puh \
    ringe ringer tlf mobilnr telefonnr mobnr hringdu hringja hringid simi siminn simanumer \
    hivj hivjal hivjon telefonszam telefonszamom mobilszam szamom zavolej zavolejte volej volejte zavolaj \
    zavolajte volaj zatelefonuj prozvon sunati telefonul numarul pozovi pozovite nazovi nazovite zovi \
    mobitel broj poklici poklicite klici telefono numri thirr zeng nomre nomrem qongiroq raqam raqamim \
    ruff rufft urufft uruff deitu truca trucam truqueu ffonia ffon glaoigh guthan cempel skakel selfoon selfoonnommer \
    tawag tawagan tumawag cp panggil wac taleefan shayela ngishayele fowuni ifoni inombolo lamba waya \
    ዋትስአፕ ደውል ደውልልኝ ደውሉልኝ ስልክ ስልኬ გამირეკე დამირეკე დარეკე ტელეფონი ნომერი զանգիր զանգեք հեռախոս \
    תתקשר תתקשרי התקשר התקשרו תתקשרו טלפון נייד הנייד פלאפון ווטסאפ וואטסאפ \
    обади обадете обаждай звънни телефона јави јавете позови зови мобилни мобителефон утас утасны \
    залга залгаарай дугаар қоңырау нөмір дзвони подзвони дзвоніть номері тэлефон патэлефануй \
    καλεσε καλεστε παρε τηλεφωνο τηλεφωνησε κινητο \
    දුරකථන දුරකථනය ඇමතුම් අමතන්න ଫୋନ ଫୋନ୍ ନମ୍ବର फोनवर फोनमा \
    اتصل اتصلي اتصال كلمني كلميني هاتف هاتفي جوال جوالي موبايل موبايلي واتس واتساب تلفون تلفوني \
    رقمي رن للتواصل تواصل \
    звони позвони позвоните звоните набери наберите звонить телефон тел моб мобильный мобила \
    вотсап ватсап вацап телега тг сотовый набирай звякни \
    فون کال موبائل نمبر تماس زنگ موبایل تلفن شماره واتساپ \
    फोन फ़ोन कॉल काल मोबाइल व्हाट्सएप व्हाट्सऐप व्हाट्सप्प वॉट्सऐप टेलीफोन घंटी संपर्क सम्पर्क \
    ফোন কল মোবাইল হোয়াটসঅ্যাপ যোগাযোগ টেলিফোন \
    போன் ஃபோன் கால் அழை அழைக்க மொபைல் வாட்ஸ்அப் கைபேசி தொலைபேசி எண் அழைக்கவும் \
    ఫోన్ కాల్ మొబైల్ నంబర్ ఫోను ફોન કૉલ મોબાઇલ નંબર ਫੋਨ ਕਾਲ ਮੋਬਾਈਲ ਨੰਬਰ \
    ಫೋನ್ ಕರೆ ಮೊಬೈಲ್ ഫോൺ വിളിക്കൂ മൊബൈൽ നമ്പർ";

/// Parts of words that mean a phone, in any position of the word.
pub(super) const STEMS: &str = "whatsap watsap phone telefo telephon handynum mobilnum rufnum \
    callme ringme textme telep numaram telef llamam teleph komork cellul \
    телефон звон мобильн номер вотсап ватсап हाट्स मोबाइल व्हाट हॉट्स মোবাইল হোয়াটস ফোন போன் மொபைல் \
    எண் அழை వాట్సాప్ \
    电话 電話 手机 手機 号码 號碼 微信 打给 打給 打俾 打畀 打我 搵我 揾我 联系 聯絡 携帯 番号 ケータイ でんわ โทร เบอร์ มือถือ 전화 번호 폰 연락 카톡 \
    ទូរស័ព្ទ លេខ ໂທ ເບີ ဖုန်း ဖုန် \
    اتصل واتس هاتف موبايل جوال τηλ κινητ τηλεφων";

/// Words with which people hand over a number, among other things.
pub(super) const HANDOVER: &str = "number num nmbr nbr no numbr nmber numba text reach save msg message \
    ping inbox share here sure yours mine instead add line office note hit hmu dms move chat talk \
    find get digits shoot drop send me us connect dont \
    mera meri apna tera number nambar nambr nmbr bhejo bhej karo kar karna karlo karle pe par lelo \
    likho likh likhlo rakh rakhna \
    numero nro num escribe escribeme mandame manda hablame agrega anota guarda mensaje \
    numero meu chama manda mensagem anota salva chame passa \
    numero mon ecris contacte envoie note ajoute message sms \
    nummer nr meine schreib schreibe melde kontakt speicher ruf \
    nomor nomer no aku simpan catat kirim chat \
    numero mio scrivimi scrivi contatta salva \
    cep numara numaram yaz ulas kaydet mesaj \
    nummer mijn app stuur bericht \
    numer moj napisz pisz \
    nummer mitt min skriv \
    nambari yangu namba so cua toi \
    رقم الرقم راسلني راسليني ابعت احفظ سجل \
    номер мой пиши напиши запиши сохрани пишите \
    मेरा नंबर नम्बर करो पर भेजो लिखो सेव मैसेज लगाओ \
    আমার নম্বর নাম্বার করো মেসেজ \
    என் எண் நம்பர் என்னை \
    میرا نمبر پر کرو میری";

/// Words that join the parts of one number, or say which part follows.
pub(super) const CONNECTOR: &str = "then and after that thats followed by next first 1st second 2nd third \
    3rd fourth last final finally initial initially start starts starting started begin begins \
    beginning began end ends ending ended finish finishes finishing half halves part parts piece pieces \
    bit chunk block middle mid rest remaining remainder other others another one with is are it its the \
    of comes come goes go plus also now lastly add adding join put take type write append attach prefix \
    suffix continue continues digits digit numbers number two three four five six before later till to \
    wait ok okay okk k kk hmm hm hmmm um umm uh uhh uhm oh er erm ya yeah yep yes no so well like done \
    lol lmao rofl haha hahaha hehe hihi xd bro bruh bhai bhaiya yaar yar dude man buddy dear sir mate \
    something blah btw again here pls please \
    baki baaki phir fir uske baad aur pehle pahle aage ke hai se me mein ko \
    aakhri last wala wale wali shuru shuruat khatam aadha aadhe dusra doosra pehla bas lo likh likho \
    nantar pahila dusara shevat agodi tarpor pore prothom sesh modhye \
    y luego despues primero primera segundo segunda tercero termina terminan empieza empiezan comienza \
    con al final ultimo ultimos mitad parte inicio e depois entao primeiro primeira segundo terceiro \
    resto comeca comecando termina terminando com fim ultimos metade inicio \
    d abord puis ensuite apres premier premiere deuxieme dernier derniers commence commencant finit \
    avec reste enfin moitie debut fin par et \
    und dann danach zuerst erst erste ersten zweite zweiten letzte letzten hafte rest endet beginnt fangt \
    an mit zuletzt anfang ende hinten vorne teil \
    lalu terus kemudian dan setelah itu awal akhir depan belakang pertama kedua terakhir sisanya mulai \
    habis abis poi dopo prima primo seconda secondo meta inizia comincia finisce con infine ultimi fine \
    sonra ve once ilk ikinci son basi sonu yarisi eerst eerste daarna dan tweede laatste begin einde en \
    najpierw potem pierwsza druga poczatek koniec nakoniec forst sen sedan sista sidste forste deretter \
    ensin sitten lopuksi eloszor aztan vegul nejdriv pak nakonec intai apoi urma kwanza halafu mwisho \
    una tapos huli dau sau cuoi roi tiep \
    ثم و بعدين وبعدها وبعدين بعدها اول الاول اولا اخر الاخر واخيرا الباقي نصف النصف الثاني \
    потом затем и дальше далее сначала вначале первые первая последние вторая начало начинается конец \
    заканчивается половина часть спочатку потім кінець първо после накрая прво онда затим \
    फिर और उसके बाद पहले पहला आगे बाकी है शुरू शुरुआत आखिर आखिरी अंत में दूसरा आधा हिस्सा \
    এরপর আর তারপর পরে প্রথম প্রথমে শেষ শেষে শুরু பிறகு அடுத்து பின்னர் முதல் கடைசி తర్వాత మొదట చివర \
    પછી પહેલા છેલ્લે ਫਿਰ ਪਹਿਲਾਂ ਬਾਅਦ ನಂತರ ಮೊದಲು പിന്നെ ആദ്യം پھر پہلے بعد آخر اول سپس \
    先 再 然后 然後 接着 最后 最後 开头 结尾 前面 后面 まず 次 次に 最後に それから 먼저 그다음 다음 그리고 마지막 \
    แล้ว ก่อน ต่อ สุดท้าย πρωτα μετα τελος תחילה אחר ואז סוף";

/// Words that say which part of a number follows.
pub(super) const PART_ORDER: &str = "first 1st start starts starting begin begins beginning initial part half last \
    final prefix take pehle pehla shuru shuruat aadha aakhri pahila agodi prothom primero primera empieza \
    empiezan comienza mitad primeiro primeira comeca comecando inicio metade abord premier premiere \
    commence commencant debut moitie zuerst erst erste ersten beginnt fangt anfang vorne awal depan \
    pertama mulai prima primo inizia comincia ilk once basi eerst eerste begint begin najpierw pierwsza \
    poczatek forst forste ensin eloszor nejdriv intai kwanza una dau sono soy \
    اول الاول اولا نصف сначала вначале первые первая начало начинается половина спочатку първо прво \
    पहले पहला शुरू शुरुआत आधा প্রথম প্রথমে শুরু முதல் మొదట પહેલા ਪਹਿਲਾਂ ಮೊದಲು ആദ്യം پہلے 先 まず 먼저 ก่อน \
    πρωτα תחילה";

/// Words that connect single digits.
pub(super) const DIGIT_CONNECTOR: &str = "and then after next followed by plus n comma dash hyphen minus space dot point \
    y e luego despues mas depois entao mais virgula traco et puis ensuite apres und dann danach plus \
    poi dopo ed virgola lalu terus dan kemudian ve sonra virgul en dan i potem oraz na alafu aur phir fir \
    tatha ani aani ra ar ebong tarpor och sedan ja og sa si apoi a pak potom \
    и потом затем плюс та і و ثم بعدين और फिर आणि र এবং তারপর পরে மற்றும் பிறகு మరియు અને ਅਤੇ ਤੇ";

/// Platforms on which people have handles.
pub(super) const PLATFORM: &str = "instagram insta ig inst instagrm instaku igku instagramm snapchat snap sc snapp telegram tg tele \
    twitter x fb facebook messenger discord dc tiktok threads reddit linkedin youtube yt skype kik \
    signal wechat line viber bumble tinder onlyfans spotify pinterest twitch koo sharechat moj \
    bluesky mastodon vk इंस्टा इंस्टाग्राम स्नैपचैट टेलीग्राम инста инстаграм телеграм тг вк \
    انستا انستغرام انستقرام سناب تلجرام تليجرام تويتر ইনস্টাগ্রাম இன்ஸ்டா";

/// Words for the name of a user on a platform.
pub(super) const USER_NAME: &str = "username usernames user uname handle profile name naam nick nickname account acc \
    usuario nombre perfil usuario nome pseudo compte profil nutzername konto akun nama ник имя профиль \
    यूजरनेम नाम اسم حساب";

/// Words that ask to find a user on a platform.
pub(super) const INVITE: &str = "follow dm add ping find text msg message hmu contact sigueme agregame \
    segue adiciona suis ajoute folge adde";

/// Words for "my" and "mine".
pub(super) const MINE: &str = "my mine mera meri apna apni hamara mi mio mia mijn meine mein meu minha mon \
    moj moja moje muj moje benim min mitt minu mans mano moj moje az a'm sodni wangu yangu saya aku ku \
    amar amader aamar en ende nanna naa mari maru majha maza majhi mero mor \
    मेरा मेरी अपना माझा माझी मेरो আমার মোর என் என்னுடைய నా నన్ను મારો મારું ਮੇਰਾ ನನ್ನ എന്റെ میرا میری من \
    мой моя мій моят мојот мој μου שלי 我的 내 제 私の ของ của ang aking";

/// The word "number".
pub(super) const NUMBER: &str = "number numbr nmbr nmber numba nambar nambr nambor namba nomber nber nbr num no \
    nr digits numero numéro número nummer nomor nomer numer numero numeri numara numeris numurs number \
    numeron numero sayi so hao nambari szam \
    नंबर नम्बर নম্বর নাম্বার நம்பர் எண் నంబర్ నెంబర్ નંબર ਨੰਬਰ ನಂಬರ್ നമ്പർ نمبر رقم شماره номер нумер број \
    αριθμος αριθμός מספר 号码 號碼 番号 번호 เบอร์ số numer";

/// Words that make "code" mean a calling code.
pub(super) const AREA: &str = "area city country std isd dial dialing dialling calling";

/// The word "code".
pub(super) const CODE: &str = "ref code codes kode kod codigo codice код कोड কোড كود رمز";
