#include "vecmill/engine/calibration_texts.h"

#include <array>

namespace vecmill::engine {
namespace {

constexpr auto kTexts = std::to_array<std::string_view>({
    "The ferry leaves the island at half past six in the morning and returns before the market "
    "closes; tickets are sold on board.",
    "how do I undo the last commit without losing my changes",
    "Error 404: the page /docs/v2/index.html was not found. Check the address or go back.",
    "for (int i = 0; i < n; ++i) { total += price[i] * count[i]; }  // net, before tax",
    "SELECT city, AVG(temperature) FROM readings WHERE day >= '2024-01-01' GROUP BY city;",
    "Revenue rose 4.7 % to $1,382,000 in the third quarter, while costs fell by 12 percent.",
    "Mitochondria turn nutrients into adenosine triphosphate, which cells use as fuel.",
    "Dear Ms Okafor, thank you for your letter of 3 May. We have sent the missing parts today.",
    "In this section we prove that every bounded monotone sequence of real numbers converges.",
    "Best pizza in town!!! The crust was perfect, but we waited 45 minutes for a table :(",
    "Ask the pharmacist before you take this medicine together with blood thinners.",
    "The court held that the contract was void because consent had been obtained by deceit.",
    "Der Zug nach Hamburg fährt heute wegen einer Störung von Gleis sieben ab.",
    "La bibliothèque ferme à dix-neuf heures, sauf le dimanche et les jours fériés.",
    "El río creció tanto en primavera que el puente viejo quedó bajo el agua.",
    "Il museo conserva una raccolta di strumenti musicali del Settecento.",
    "O café da manhã está incluído no preço do quarto.",
    "Поезд опоздал на два часа, и мы пропустили начало концерта.",
    "Η θάλασσα ήταν ήρεμη και τα παιδιά έπαιζαν στην παραλία.",
    "图书馆周末开放到晚上九点，请提前预约座位。",
    "駅から歩いて五分のところに、小さな本屋があります。",
    "날씨가 추워져서 따뜻한 차를 마시고 싶어요.",
    "يفتح السوق أبوابه في الصباح الباكر ويغلق عند الغروب.",
    "गाँव के पास एक पुराना किला है जहाँ लोग शाम को घूमने जाते हैं।",
    "The option --retries N sets how often a failed transfer is tried again; with 0 the command "
    "gives up at once and exits with status 5.",
    "Usage: archive [-x | -c] [-f FILE] [NAME ...] Without names, every member of the archive is "
    "listed or extracted.",
    "If the variable is not set, the file ~/.config/editor.conf is read instead, and then the one "
    "of the system below /etc.",
    "This function returns a pointer to the first byte of the buffer, or NULL if memory could not "
    "be allocated; errno is then set to ENOMEM.",
    "def mean(values: list[float]) -> float:  # raises ZeroDivisionError for an empty list",
    "import numpy as np; x = np.linspace(0, 1, 101); y = np.exp(-x ** 2).cumsum()",
    "const response = await fetch(`/api/orders/${id}`, { method: \"DELETE\", headers: { Accept: "
    "\"application/json\" } });",
    "public static Optional<User> findByEmail(String email) { return users.stream().filter(u -> "
    "u.email().equals(email)).findFirst(); }",
    "<div class=\"card\"><h2>Summer sale</h2><p>Up to 40% off garden furniture until "
    "Sunday.</p></div>",
    "{\"id\": 4711, \"status\": \"shipped\", \"items\": [{\"sku\": \"A-19\", \"qty\": 2}], "
    "\"total\": 59.90, \"currency\": \"EUR\"}",
    "2023-11-05T08:14:22Z WARN scheduler: job 8812 took 93.4 s, which is longer than its interval "
    "of 60 s",
    "panic: runtime error: index out of range [3] with length 3 at main.go:42, goroutine 1 "
    "[running]",
    "Before version 3.2 the limit applied to each connection; since then it holds for the whole "
    "server, which may surprise whoever upgrades.",
    "To install the package, run the script as an administrator, restart the service and check "
    "that port 8443 is reachable from outside.",
    "A hash table keeps its entries in buckets; when two keys fall into the same bucket, the "
    "second is placed in the next free one.",
    "what is the difference between a mutex and a semaphore?",
    "cheap flights from Lisbon to Oslo in February",
    "symptoms of iron deficiency in teenagers",
    "who invented the telescope and when",
    "can you freeze cooked rice",
    "My order arrived with a cracked screen, and nobody answers the phone. I would like a refund "
    "or a replacement within two weeks.",
    "The battery lasts about nine hours, the keyboard is pleasant to type on, but the speakers "
    "sound thin and the fan is always audible.",
    "Whisk the eggs with the sugar until pale, fold in the flour and the melted butter, and bake "
    "for 25 minutes at 180 degrees.",
    "The committee shall meet at least twice a year and shall report to the general assembly on "
    "the use of the funds.",
    "Any party may terminate this agreement by giving ninety days' written notice; clauses 7 to 9 "
    "remain in force thereafter.",
    "The patient, a 54-year-old man with a history of hypertension, presented with chest pain "
    "radiating to the left arm.",
    "In a randomised trial of 412 adults, the new vaccine reduced severe infections by 61 % (95 % "
    "confidence interval 48 to 71).",
    "Photosynthesis takes place in the chloroplasts, where light splits water and the oxygen is "
    "released into the air.",
    "The comet will be visible to the naked eye shortly after sunset, low in the western sky, "
    "until the end of the month.",
    "Let G be a finite group and H a subgroup; then the order of H divides the order of G.",
    "Interest rates were left unchanged on Thursday, as the central bank expects inflation to "
    "return to two percent by next spring.",
    "Shares of the chip maker fell eight percent after it warned that demand for phones would stay "
    "weak.",
    "The home side equalised in the 89th minute through a header by their captain, and the match "
    "went to penalties.",
    "The old lighthouse keeper climbed the stairs slowly, counting each step as he had done every "
    "evening for thirty years.",
    "\"You never told me she was coming,\" he said, and put the letter back into the drawer "
    "without reading it.",
    "Built in 1872 as a railway station, the hall has housed a covered market, a cinema and, since "
    "1998, the city's museum of design.",
    "The river rises in the northern mountains, crosses three provinces and reaches the sea in a "
    "wide delta known for its birds.",
    "Napoleon's army crossed the Niemen in June 1812 with more than four hundred thousand men.",
    "She studied chemistry in Zurich, taught at two universities and became the first woman to "
    "lead the academy.",
    "Wear gloves and eye protection, keep the container tightly closed and store it away from heat "
    "and open flames.",
    "Our team meets every Monday at 10:00 in room 3B; please send your topics to the chair by "
    "Friday noon.",
    "lol same, see u there at 8? bring the charger pls",
    "Congratulations on your new job! We'll miss you at the office and hope you come by for lunch "
    "sometimes.",
    "Teachers reported that pupils who slept at least nine hours were more attentive and made "
    "fewer mistakes in arithmetic.",
    "The soil should be kept moist but not wet; too much water makes the leaves turn yellow and "
    "the roots rot.",
    "Turn left at the church, follow the path along the canal for two kilometres and cross the "
    "wooden bridge.",
    "Chapter 12: Garbage collection. Objects that can no longer be reached are found by marking "
    "and swept in the background.",
    "Diese Option legt fest, wie viele Verbindungen gleichzeitig geöffnet sein dürfen; der "
    "Vorgabewert ist 16.",
    "Die Bundesregierung hat am Mittwoch beschlossen, die Förderung für Wärmepumpen im kommenden "
    "Jahr zu verlängern.",
    "Wenn die Datei nicht gelesen werden kann, wird eine Fehlermeldung ausgegeben und das Programm "
    "mit dem Status 2 beendet.",
    "Cette commande affiche la liste des fichiers modifiés depuis la dernière sauvegarde, un par "
    "ligne.",
    "Le conseil municipal a voté hier soir la construction d'une nouvelle école primaire près de "
    "la gare.",
    "Si l'argument est omis, la valeur par défaut est utilisée et un avertissement est écrit dans "
    "le journal.",
    "Este programa convierte imágenes entre formatos y conserva los metadatos siempre que sea "
    "posible.",
    "El equipo ganó el campeonato por tercera vez consecutiva ante más de cuarenta mil "
    "espectadores.",
    "Se devuelve cero si la operación tuvo éxito; en caso contrario, un número distinto de cero.",
    "Se il file esiste già, viene sovrascritto senza chiedere conferma, a meno che non sia data "
    "l'opzione contraria.",
    "Dopo tre giorni di pioggia il sindaco ha ordinato la chiusura delle scuole e dei parchi.",
    "A função devolve o número de bytes lidos ou um valor negativo em caso de erro.",
    "O governo anunciou ontem um novo programa de habitação para famílias de baixa renda.",
    "Dit commando verwijdert alle tijdelijke bestanden die ouder zijn dan zeven dagen.",
    "De gemeente wil het aantal fietsers in de binnenstad de komende vijf jaar verdubbelen.",
    "Kommandot läser inställningar från hemkatalogen och skriver resultatet till "
    "standardutmatningen.",
    "På lørdag åpner den nye broen over fjorden, og de første gjestene kommer med båt.",
    "Hvis filen ikke findes, oprettes den med de rettigheder, der er angivet i den næste "
    "parameter.",
    "Ohjelma lukee syötteen rivi kerrallaan ja tulostaa lopuksi yhteenvedon virheistä.",
    "Jos yhteys katkeaa, asiakas yrittää muodostaa sen uudelleen kymmenen sekunnin kuluttua.",
    "Jeśli nie podano nazwy pliku, dane są czytane ze standardowego wejścia.",
    "Wczoraj w Krakowie otwarto wystawę malarstwa, którą będzie można oglądać do końca roku.",
    "Tento příkaz vypíše seznam běžících procesů a množství paměti, kterou používají.",
    "A parancs kiírja az összes olyan fájlt, amely az utolsó mentés óta megváltozott.",
    "Dacă opțiunea este folosită de două ori, programul afișează și mesajele de depanare.",
    "Bu seçenek verilirse, çıktı dosyaya yazılmadan önce sıkıştırılır.",
    "Perintah ini menampilkan daftar pengguna yang sedang masuk beserta waktu terakhir mereka "
    "aktif.",
    "Lệnh này hiển thị dung lượng đĩa còn trống của mỗi phân vùng trên máy.",
    "Если файл не указан, программа читает данные со стандартного ввода и завершается при первой "
    "ошибке.",
    "Учёные обнаружили, что ледник отступает на двадцать метров в год быстрее, чем считалось "
    "раньше.",
    "Якщо параметр не задано, використовується значення із файлу налаштувань.",
    "Ова наредба приказује све отворене везе и програме којима припадају.",
    "Командата ги печати сите линии што одговараат на дадениот образец.",
    "Αν το αρχείο δεν υπάρχει, η εντολή το δημιουργεί και τυπώνει ένα μήνυμα.",
    "该函数成功时返回零，失败时返回负数，并设置错误代码。",
    "昨天下午，市政府宣布将在河边修建一条新的自行车道。",
    "このオプションを指定すると、隠しファイルも一覧に表示されます。",
    "気象庁によると、台風は週末にかけて本州に近づく見込みです。",
    "이 명령은 지정한 디렉터리에 있는 모든 파일의 크기를 출력합니다.",
    "إذا لم يكن الملف موجوداً فسيتم إنشاؤه تلقائياً بالقيم الافتراضية.",
    "यदि फ़ाइल नहीं मिलती है तो प्रोग्राम एक त्रुटि संदेश दिखाकर बंद हो जाता है।",
});

}  // namespace

std::span<const std::string_view> built_in_texts() { return kTexts; }

}  // namespace vecmill::engine
