# Bahasa Indonesia. Lihat en.ftl.

## Matching

connected = 🎉 Terhubung! Sekarang kamu mengobrol dengan { $name }.{ $common } Sapa dia!
connected-again = 🔄 Terhubung lagi! Sekarang kamu mengobrol dengan { $name }.{ $common } Sapa dia!
common = { " " }Kalian berdua suka: { $interests }.
notice = ℹ️ Sebelum mengobrol: kamu harus berusia 18 tahun ke atas. Bersikaplah ramah, dan jangan pernah membagikan nomor telepon atau alamat. Kalau ada yang tidak ramah, kirim #report.
must-agree = { notice }
    ✅ Kirim #agree untuk menyetujui ini dan mulai mengobrol.
agreed = ✅ Terima kasih!
looking = 🔍 Mencari teman mengobrol... Tunggu sebentar, ya!
looking-again = 🔍 Mencari teman mengobrol yang baru... Tunggu sebentar, ya!
place = ⏳ Urutanmu dalam antrean: { $position }
place-estimate = ⏳ Urutanmu dalam antrean: { $position } (waktu tunggu belakangan ini: sekitar { $seconds } detik)
choosy = 🔍 Mencari lebih dulu orang yang suka: { $interests }. Setelah { $seconds } detik, siapa saja.
wait-alone = 💡 Saat ini belum ada orang lain. Kamu akan dihubungkan begitu ada yang datang.
wait-all-chatting = 💡 Saat ini semua orang lain sedang mengobrol. Kamu akan dihubungkan begitu ada yang kosong.
wait-all-selective = 💡 Yang lain mencari lebih dulu orang dengan minat yang sama, dan setelah { $seconds } detik siapa saja.
interest-contact = ⚠️ Pencarian tidak dimulai: minat tidak boleh berisi nomor telepon atau kontak lain.
interest-imitates = ⚠️ Pencarian tidak dimulai: salah satu minat bisa dikira pesan dari sistem.
already-chatting = 💡 Kamu sudah sedang mengobrol! Kirim #bye untuk mengakhirinya atau #again untuk mencari orang lain.

## Ending a chat

chat-ended = 👋 Obrolan selesai. Kirim #meet untuk bertemu orang baru!
left-queue = 👋 Kamu keluar dari antrean. Kirim #meet untuk mencari lagi.
not-chatting = 💡 Kamu sedang tidak mengobrol.
partner-left = 👋 Teman obrolanmu sudah pergi. Kirim #meet untuk mencari yang baru.
partner-timed-out = ⏰ Teman obrolanmu terlalu lama diam. Kirim #meet untuk mencari yang baru.

## Sending

sent = 📤 Pesan terkirim ke teman obrolanmu dari { $name }: { $text }
number-hidden = 🔒 Pesanmu terkirim dengan nomor telepon disembunyikan.
nobody = 💡 Kamu belum mengobrol dengan siapa pun. Kirim #meet untuk mencari teman atau #help untuk semua perintah.
still-looking = 🔍 Masih mencari teman, jadi pesanmu tidak terkirim. Kirim #bye untuk berhenti mencari.
inbox-full = ⚠️ Pesanmu tidak terkirim: teman obrolanmu punya terlalu banyak pesan yang belum dibaca. Tunggu sampai dia menjawab.
send-again = ⚠️ Pesanmu tidak terkirim. Silakan kirim lagi.
no-text = 💡 Tidak ada teks untuk dikirim.
only-text = 💡 Hanya pesan teks yang bisa dikirim di sini, jadi ini tidak terkirim.
arrived-late = ⚠️ Yang kamu tulis tadi tiba terlambat, jadi tidak berpengaruh. Kirim lagi kalau kamu masih mau.
edit-not-sent = 💡 Suntingan tidak diteruskan: teman obrolanmu tetap melihat pesan seperti yang pertama kali kamu kirim.
deletion-not-sent = 💡 Menghapus pesan di sini tidak menariknya kembali: teman obrolanmu mungkin sudah membacanya.
reaction-not-sent = 💡 Reaksi tidak diteruskan: teman obrolanmu tidak melihatnya.
refused-link = ⚠️ Pesanmu tidak terkirim: tautan tidak diizinkan di sini.
refused-word = ⚠️ Pesanmu tidak terkirim: ada kata yang tidak diizinkan di sini.
refused-length = ⚠️ Pesanmu tidak terkirim: lebih panjang dari { $limit } karakter. Silakan bagi menjadi beberapa pesan yang lebih pendek.
refused-store = ⚠️ Pesanmu tidak terkirim: Random Connect sedang tidak bisa dihubungi. Coba lagi sebentar lagi.
refused-call = ⚠️ Pesanmu tidak terkirim.
rest-not-sent = 💡 Perintahnya dijalankan, tetapi teks setelahnya tidak terkirim.
did-you-mean = 💡 Pesanmu tidak dikirim. Maksudmu { $command }? Untuk mengirimnya sebagai teks, tulis #r di depannya.
not-run = 💡 Tidak ada yang dilakukan karena kata-kata setelah { $command }. Kirim { $command } saja untuk menjalankannya.

## Inbox

inbox-empty = 📭 Tidak ada pesan.
nothing-waits = 📭 Tidak ada yang menunggu: pesan baru langsung dikirim kepadamu.
more-waits =
    📬 { $count ->
       *[other] { $count } pesan lagi menunggumu
    }. Kirim #m untuk membaca lebih lanjut.

## Settings

masking-on = 🔒 Penyembunyian nomor telepon sekarang AKTIF.
masking-off = 🔒 Penyembunyian nomor telepon sekarang MATI.
hide-usage = 💡 Tidak ada yang diubah. Kirim #hide ya untuk menyembunyikan nomor telepon yang kamu tulis, atau #hide tidak untuk menampilkannya.
ask-forget = ⚠️ Ini mengakhiri obrolanmu dan menghapus data tentang kamu: nama, bahasa, minat, pengaturan, pesan yang belum dibaca, persetujuanmu atas aturan, dan penilaian yang kamu berikan atau terima. Blokir dan laporan tetap ada, tanpa nama atau nomormu. Untuk melakukannya, kirim #forget ya
forgotten = ✅ Datamu sudah dihapus: nama, bahasa, minat, pengaturan, pesan yang belum dibaca, persetujuanmu atas aturan, dan penilaian yang kamu berikan atau terima. Jika kamu sedang mengobrol, obrolannya sudah berakhir. Blokir dan laporan tetap ada, tanpa nama atau nomormu, dan selama 20 menit teman mengobrol terakhirmu masih bisa melaporkanmu. Kirim #meet untuk mulai lagi.
partner = 👤 Kamu mengobrol dengan: { $name }
no-partner = 💡 Kamu sedang tidak mengobrol. Kirim #meet untuk terhubung!
renamed = ✏️ Mulai obrolan berikutnya, namamu { $name }.
nick-empty = ⚠️ Nama itu tidak bisa dipakai: tulis nama yang kamu mau setelah #nick.
nick-long = ⚠️ Nama itu tidak bisa dipakai: lebih panjang dari { $limit } karakter.
nick-imitates = ⚠️ Nama itu tidak bisa dipakai: bisa dikira pesan dari sistem.
nick-contact = ⚠️ Nama itu tidak bisa dipakai: ada nomor telepon atau kontak lain di dalamnya.
nick-reserved = ⚠️ Nama itu tidak bisa dipakai: ada salah satu dari { $characters }
speaks = 🌐 Mulai sekarang aku menulis kepadamu dalam bahasa Indonesia.
languages = 🌐 Bahasa yang tersedia: { $languages }. Kirim #lang dengan salah satunya, misalnya #lang id

## Safety

blocked = 🚫 Diblokir. Kalian tidak akan bertemu lagi. Kirim #meet untuk mencari orang lain.
blocked-ended = 🚫 Diblokir. Obrolan selesai. Kalian tidak akan bertemu lagi. Kirim #meet untuk mencari orang lain.
reported = 🚩 Terima kasih, orang ini sudah dilaporkan. Kalian tidak akan bertemu lagi. Kirim #meet untuk mencari orang lain.
reported-ended = 🚩 Terima kasih, orang ini sudah dilaporkan. Obrolan selesai. Kalian tidak akan bertemu lagi. Kirim #meet untuk mencari orang lain.
block-unsaved = ⚠️ Penyimpanan kami bermasalah, jadi blokir ini mungkin tidak bertahan. Kirim #block lagi nanti.
report-unsaved = ⚠️ Penyimpanan kami bermasalah, jadi laporanmu tidak tersimpan. Kirim #report lagi nanti.
nobody-to-block = 💡 Tidak ada yang bisa diblokir atau dilaporkan: kamu tidak mengobrol dengan siapa pun dalam 20 menit terakhir.
ask-reason = 🚩 Kenapa? Kirim #report dan salah satu dari spam, abuse (kasar), minor (di bawah umur), scam (penipuan), other (lainnya), atau kata-katamu sendiri, misalnya: #report minta uang. Kirim #block untuk memblokir orang ini tanpa melaporkannya.
long-reason = ⚠️ Tulis alasannya paling banyak { $limit } karakter.
often-message = ⏳ Kamu mengirim pesan terlalu cepat, jadi yang ini tidak terkirim. Coba lagi dalam { $span }.
often-same = ⏳ Kamu sudah beberapa kali mengirim ini, jadi tidak dikirim lagi. Coba lagi dalam { $span }.
often-search = ⏳ Kamu terlalu sering mencari teman. Coba lagi dalam { $span }.
often-report = ⏳ Kamu terlalu sering melapor. Coba lagi dalam { $span }, atau kirim #block agar tidak bertemu orang ini lagi.
often-command = ⏳ Kamu terlalu cepat. Coba lagi dalam { $span }.
often-newcomer = ⏳ Terlalu banyak pengguna baru bergabung dari jaringanmu. Coba lagi dalam { $span }.
barred = ⛔ Kamu dilaporkan, jadi untuk sementara tidak bisa mengobrol. Coba lagi dalam { $span }.
barred-until-reviewed = ⛔ Beberapa orang melaporkanmu, jadi kamu tidak bisa mengobrol sampai moderator memeriksa laporannya.
seconds = { $count ->
   *[other] { $count } detik
}
minutes = { $count ->
   *[other] { $count } menit
}
hours = { $count ->
   *[other] { $count } jam
}
days = { $count ->
   *[other] { $count } hari
}

## Conversation starters and ratings

nudge = 💡 Sepi, ya. Kirim #ice untuk pertanyaan pembuka atau #again untuk bertemu orang lain.
rated = 👍 Terima kasih, itu membantu kami mempertemukan orang.
nobody-to-rate = 💡 Tidak ada yang bisa dinilai: kamu tidak mengobrol dengan siapa pun dalam 20 menit terakhir.
icebreaker = 🧊 { $question }
ice-1 = Apa yang membuatmu tersenyum hari ini?
ice-2 = Kalau bisa berada di mana saja sekarang, kamu mau di mana?
ice-3 = Lagu apa yang bisa kamu dengar terus-menerus?
ice-4 = Teh atau kopi, dan seperti apa kamu menyukainya?
ice-5 = Apa makanan terenak yang kamu makan minggu ini?
ice-6 = Apa yang ingin kamu pelajari kalau punya waktu luang setahun?
ice-7 = Film apa yang sudah kamu tonton lebih dari dua kali?
ice-8 = Kamu bangun pagi atau begadang, dan kenapa?
ice-9 = Apa permainan favoritmu waktu kecil?
ice-10 = Hal kecil apa yang membuatmu bangga?
ice-11 = Tempat apa di kotamu yang harus dilihat semua orang?
ice-12 = Seperti apa hari libur yang sempurna bagimu?
ice-13 = Gunung atau laut?
ice-14 = Apa nasihat terbaik yang pernah kamu terima?
ice-15 = Hewan apa yang ingin kamu ajak bicara?
ice-16 = Apa yang sedang kamu nantikan?

## Help

help = 💡 Mengobrollah secara anonim dengan orang tak dikenal. Kirim:
help-rest = Semua tulisan lain dikirim ke teman obrolanmu.
help-meet = { $names } [minat]: cari teman mengobrol, sebisa mungkin yang punya minat sama: #meet musik, film
help-bye = { $names }: akhiri obrolan atau berhenti mencari
help-again = { $names }: pergi dan cari orang baru
help-hide = { $names } [ya atau tidak]: menyembunyikan nomor teleponmu atau tidak
help-who = { $names }: tampilkan nama teman obrolanmu
help-m = { $names }: baca pesan yang menunggumu
help-r = { $names } teks: kirim teks ke teman obrolanmu
help-nick = { $names } nama: namamu di obrolan berikutnya
help-ice = { $names }: pertanyaan pembuka untuk kalian berdua
help-good = { $names }: nilai obrolan ini baik; temanmu tidak diberi tahu
help-bad = { $names }: nilai obrolan ini buruk; temanmu tidak diberi tahu
help-block = { $names }: akhiri obrolan dan jangan pernah bertemu orang ini lagi
help-report = { $names } alasan: blokir dan laporkan: spam, abuse, minor, scam, other, atau kata-katamu sendiri
help-lang = { $names } bahasa: pilih bahasa yang aku pakai untukmu
help-agree = { $names }: setujui aturan obrolan
help-forget = { $names } ya: mengakhiri obrolan dan menghapus datamu
help-help = { $names }: tampilkan perintah-perintah ini
