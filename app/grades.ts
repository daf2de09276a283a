import type { Database } from './database.ts'

/** The course: who takes part, by user name. Not everybody has an account yet. */
export const course = {
  id: 'sessions-101',
  title: 'Sessions 101',
  participants: ['student123', 'ada', 'barbara', 'grace'],
} as const

/** What a participant can get. */
export const marks = ['A', 'B', 'C', 'D', 'F'] as const

/** One of {@link marks}. */
export type Mark = (typeof marks)[number]

/** Marks by participant; who has none yet is missing. */
export type GradeList = Readonly<Record<string, Mark>>

/** Grades as they were published: later editions replace earlier ones, and nothing is lost. */
export interface Edition {
  /** 1, 2, 3 … */
  readonly edition: number
  /** Epoch ms. */
  readonly publishedAt: number
  readonly publishedBy: string
  readonly grades: GradeList
}

/** The published grades of the course. */
export interface Grades {
  /** What counts now, or `null` before the first publication. */
  latest(): Promise<Edition | null>
  /**
   * Publishes the edition after `after` (0: the first). `false`, and nothing happened, when there is such an edition already:
   * somebody else was faster, and whoever loses has not seen what they would replace.
   */
  publish(after: number, grades: GradeList, by: string): Promise<boolean>
}

/** Grades in Campus's database. */
export function openGrades({ query }: Database, clock: () => number): Grades {
  return {
    async latest() {
      const [row] = await query<Omit<Edition, 'grades'> & { grades: string }>(
        `SELECT edition, published_at AS "publishedAt", published_by AS "publishedBy", grades FROM campus_grade_lists
         WHERE course = $1 ORDER BY edition DESC LIMIT 1`,
        course.id,
      )
      return row ? { ...row, grades: JSON.parse(row.grades) } : null
    },
    async publish(after, grades, by) {
      const published = await query(
        `INSERT INTO campus_grade_lists (course, edition, published_at, published_by, grades)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING edition`,
        course.id,
        after + 1,
        clock(),
        by,
        JSON.stringify(grades),
      )
      return published.length > 0
    },
  }
}

/** The marks in a form: fields `grade_NAME`, empty for none. `null` when one of them is no mark. */
export function gradesIn(field: (name: string) => string | null): GradeList | null {
  const grades: Record<string, Mark> = {}
  for (const name of course.participants) {
    const typed = field(`grade_${name}`) ?? ''
    const mark = marks.find(mark => mark === typed)
    if (mark) grades[name] = mark
    else if (typed !== '') return null
  }
  return grades
}
