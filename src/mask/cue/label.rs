//! Words near numbers that are not phone numbers: each [`LABEL`], amount, [`UNIT`] and [`MONTH`].
//!
//! This module contains tables, with one or more lines per language, and no code. To add a word,
//! add it to the table of its kind. A word that people also use for phone numbers belongs to none.

/// Names for the numbers of things.
pub(super) const LABEL: &str = "order orders id ids invoice inv bill receipt ref refno reference txn txnid \
    transaction trx utr rrn neft imps rtgs awb tracking track shipment consignment docket parcel \
    courier delivery ticket case complaint incident pnr booking reservation confirmation flight \
    train roll rollno enrollment enrolment registration reg regn employee emp student \
    account acct acc ac iban ifsc swift loan policy claim challan gst gstin vat serial sn imei \
    model sku barcode ean upc isbn issn doi asin hsn code codes otps refs tickets invoices \
    passcode password verification verify login log signup \
    coupon promo voucher gift token session key hash commit sha md5 build version ver release \
    bug issue pr error err status ip server coords coordinates coordinate lat lng lon \
    latitude longitude gps \
    population views likes followers subscribers subs downloads users people votes distance \
    score scores scored marks mark points runs wickets goals figure figures vitals lottery lotto lucky draw jackpot winning total sum pi equals timestamp epoch unix \
    file date seed tag tags \
    mhz ghz \
    patient meter consumer vehicle plate chassis engine license licence dl request application \
     form exam hall centre center batch lot bin warehouse item product catalog catalogue \
     node job process pid thread device uuid uid guid mac nonce hex octal binary decimal \
     decimals prime primes fibonacci sequence series count counting countdown \
    pedido factura codigo referencia guia envio cuenta reserva vuelo boleto clave contrasena \
    poblacion fecha expediente matricula rastreo seguimiento \
    pedido fatura codigo nota rastreio conta reserva voo senha protocolo \
    commande facture numeroclient reference colis suivi compte vol billet dossier mot passe \
    bestellung bestellnummer bestellnr rechnung rechnungsnummer sendung sendungsnummer kunde \
    kundennummer konto kontonummer buchung postleitzahl passwort kennwort aktenzeichen \
    pesanan faktur resi kode kodepos rekening tiket sandi \
    ordine fattura codice spedizione prenotazione volo conto siparis fatura kargo takip hesap \
    kod sifre bestelling factuur code rekening zamowienie faktura kod konto przesylka \
     ordernr fakturanr \
    طلب الطلب فاتورة الفاتورة رمز الرمز كود الكود شحنة الشحنة حساب الحساب حجز الحجز رحلة \
    заказ заказа заказу счет счёт накладная код пароль индекс трек бронь рейс билет договор \
    ऑर्डर आर्डर कोड ओटीपी पिन बिल खाता टिकट पीएनआर रेफरेंस ट्रैकिंग आईडी \
    অর্ডার কোড ওটিপি বিল টিকিট অ্যাকাউন্ট ஆர்டர் குறியீடு ஓடிபி பில் டிக்கெட் \
    آرڈر کوڈ بل سفارش کد";

/// Names for the numbers of things that people use for nothing else.
pub(super) const PLAIN: &str = "pnr utr rrn awb docket txnid orderid refno rollno imei iban gstin isbn \
    bestellnummer bestellnr rechnungsnummer sendungsnummer kundennummer kontonummer ordernr fakturanr \
    пнр पीएनआर";

/// Things whose number is named together with the word for "number" or "id": order number.
pub(super) const NUMBERED: &str = "ord order orders invoice inv bill receipt ref reference txn transaction trx \
    tracking shipment consignment parcel courier delivery ticket tkt itm case complaint incident booking \
    reservation confirmation flight train roll enrollment enrolment registration reg regn employee emp \
    student customer account acct acc ac loan policy claim challan serial sn sr model sku barcode \
    verification coupon voucher patient meter consumer vehicle engine chassis request licence license dl application \
    form exam batch lot item product part user member membership agent jira bug issue aadhaar passport \
    pedido factura referencia guia envio cuenta reserva vuelo boleto expediente rastreo seguimiento \
    fatura rastreio conta voo protocolo commande facture reference colis suivi compte vol billet dossier \
    bestellung rechnung sendung kunde konto buchung pesanan faktur resi rekening tiket ordine fattura \
    spedizione prenotazione volo conto siparis fatura kargo hesap bestelling factuur zamowienie faktura \
    طلب الطلب فاتورة الفاتورة شحنة الشحنة حساب الحساب حجز الحجز رحلة \
    заказ заказа заказу счета счёта накладной брони рейса билета договора \
    ऑर्डर आर्डर बिल खाता टिकट रेफरेंस ट्रैकिंग बुकिंग অর্ডার বিল টিকিট ஆர்டர் பில் டிக்கெட் آرڈر بل سفارش";

/// The word "id".
pub(super) const ID: &str = "id ids आईडी";

/// Names for numbers with few digits, so that a number as long as a phone number is not one.
pub(super) const SHORT: &str = "otp pin pincode pins zip zips zipcode postcode postal area captcha cvv \
    page pages chapter chapters verse para section article act rule room rooms flat block plot house \
    street road lane sector gate platform seat seats floor ward rank ranks jersey match matches dated dob born birthday birth year years since \
    episode ep season level lvl xp channel freq frequency bus route port song \
    postleitzahl plz hausnummer zimmer seite kodepos kamar halaman habitacion pagina piso calle \
    quarto andar rua chambre etage rue camera piano via oda sayfa sokak pokoj strona ulica \
    комната страница этаж улица индекс कमरा पेज पिन पिनकोड मकान গেট পিন பக்கம் அறை";

/// Words that announce numbers other than phone numbers in the next messages.
pub(super) const NOT_PHONE: &str = "wifi wlan hotspot ssid router pass passwd pwd pw passkey passcode password \
    unlock locker otp pin captcha guess guessing fav fave favourite favorite lucky random pick choose \
    magic wordle sudoku bingo ludo dice lotto quiz riddle puzzle maths math trivia dare rate rating \
    age old tall height weight size waist bra bmi cgpa gpa sgpa percentile percentage cutoff rank marks \
    score scores ratings temperature temp speed mileage calories reps sets squat bench deadlift \
    umar umr edad idade alter eta yas umur wiek ålder возраст лет рост вес угадай उम्र clave senha \
    contrasena passwort kennwort motdepasse sifre sandi haslo пароль पासवर्ड";

/// Words that contain the stem of a phone word but do not mean a phone.
pub(super) const NEUTRAL: &str = "iphone iphones smartphone smartphones headphone headphones earphone \
    earphones microphone saxophone xylophone megaphone gramophone phonetic phonetics phonecase \
    telephoto telescope teleport";

/// Parts of words that name things, in languages that compound or do not separate words.
pub(super) const STEMS: &str = "bestell rechnung sendung kunden buchung postleit trackin \
    заказ 订单 訂單 快递 单号 單號 验证码 驗證碼 邮编 注文 郵便 주문 운송장 인증";

/// Currencies and words for amounts.
pub(super) const MONEY: &str = "rs inr usd eur gbp aed sar cad aud sgd myr idr rp php brl ars mxn cop \
    clp ngn kes zar pkr bdt lkr npr jpy cny rmb krw rub uah btc eth usdt rupee rupees rupaye \
    rupay rupaiya rupe dollar dollars bucks euro euros pound pounds quid peso pesos reais \
    rupiah dirham dirhams riyal riyals yen yuan ruble rubles lakh lakhs lac lacs crore crores \
    cr million millions mn bn billion billions trillion thousand hazar hazaar hajar thousands \
    salary rent price cost costs paid pay worth budget deposit emi fee fees loan amount balance \
    ctc lpa income earn earned spent tax discount deal \
    millones millon mil precio sueldo renta cuesta milhoes milhao preco salario custa aluguel \
    mille prix loyer salaire coute millionen tausend preis miete gehalt kostet juta ribu \
    harga gaji sewa lira tl zl kr chf рублей руб рубля тысяч миллион миллионов цена зарплата \
    रुपये रुपए रुपया लाख करोड़ हजार हज़ार टका টাকা লাখ কোটি ரூபாய் லட்சம் கோடி ريال درهم جنيه دينار \
    دولار مليون الف روپے لاکھ تومان";

/// Units after a measure.
pub(super) const UNIT: &str = "kg kgs g gm gms gram grams mg lb lbs oz ton tons tonne tonnes quintal km kms \
    m mtr cm mm nm mi mile miles ft feet foot inch inches yd yards acre acres hectare sqft sqm bigha \
    l ltr litre litres liter liters ml kb mb gb tb kbps mbps gbps bytes byte bit bits px dpi fps mp \
    mah wh kwh kw mw w v volt volts watt watts hz khz mhz ghz rpm bpm kmph kmh mph cc hp nmol pm am \
    sec secs seconds s min mins minute minutes hr hrs hour hours day days week weeks month \
    months year years yr yrs yo saal sal din mahine ghante ghanta minat minute baje bje ghnte \
    times x percent pct degrees degree deg celsius calories cal kcal steps pages words people \
    siblings brothers sisters friends kids rooms users views likes followers members votes \
    horas hora dias dia anos ano semanas semana meses minutos km quilos pessoas personas \
    heures heure jours jour ans an semaines mois uhr stunden tage jahre wochen monate minuten \
    jam hari tahun bulan minggu menit orang ore giorni anni gun yil dakika uur dagen jaar \
    часов часа час дней дня лет года год минут человек км кг \
    घंटे दिन साल बजे मिनट महीने लोग किलो किमी ঘন্টা দিন বছর টায় মিনিট ساعة سنة يوم ايام سنوات كيلو \
    மணி நாள் வருடம் நிமிடம் கிலோ k lumens cr lakh";

/// Parts of words that are units, in scripts without spaces.
pub(super) const UNIT_STEMS: &str = "公里 公斤 小时 岁 块 円 원 년 살 시간 บาท กิโล";

/// Names of months, short and long.
pub(super) const MONTH: &str = "jan january feb february mar march apr april may jun june jul july aug \
    august sep sept september oct october nov november dec december enero febrero marzo abril mayo \
    junio julio agosto septiembre octubre noviembre diciembre janeiro fevereiro marco maio junho \
    julho setembro outubro novembro dezembro janvier fevrier mars avril mai juin juillet aout \
    septembre octobre novembre decembre januar februar marz april juni juli oktober dezember \
    januari februari maret mei agustus desember gennaio febbraio aprile maggio giugno luglio \
    settembre ottobre dicembre ocak subat mart nisan mayis haziran temmuz agustos eylul ekim kasim \
    aralik января февраля марта апреля мая июня июля августа сентября октября ноября декабря \
    जनवरी फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर يناير فبراير مارس \
    ابريل مايو يونيو يوليو اغسطس سبتمبر اكتوبر نوفمبر ديسمبر";

/// Words without a meaning for numbers, which may be between a label and its number.
pub(super) const FILLER: &str = "s se is was are be the a an my your our his her their this that of for no nos \
    number num nbr nr numero numéro nummer nomor numara numer n it its hai h tha ka ki ke ko \
    mera meri tera aapka apka ye yeh wo woh es el la los mi tu su de del e o meu minha seu est le la \
    les mon ma votre du ist der die das mein meine ihre von adalah ini itu saya adl anda è il mio \
    mia это мой моя ваш номер хай है का की मेरा मेरी आपका नंबर هو هي رقم رقمك আমার হল হলো என் என்பது \
    full new old same latest current temporary below above please pls plz u ur yr";

/// Words for payment cards.
pub(super) const CARD: &str = "card cards debit credit visa mastercard amex rupay maestro cvv tarjeta \
    cartao carte karte kreditkarte kartu carta kart карта карты कार्ड কার্ড கார்டு بطاقة";

/// Names for numbers that governments assign to people.
pub(super) const GOVERNMENT: &str = "aadhaar aadhar adhaar adhar uidai pan pancard ssn passport cpf rg \
    curp dni rfc nino nhs nik ktp nic cnic tfn voter \
    steuer steuerid ahv insee personnummer pesel codicefiscale bsn kimlik паспорт снилс инн \
    आधार पैन আধার ஆதார் pasaporte passaporte passeport reisepass paspor";
